/* A small libnvidia-ml.so.1 for tests: two cards whose figures, errors and disappearance a text file tells.

   $NVML_STAND_IN names it: one line for each card, "state utilisation used total milliwatts millijoules held", state 0 for a
   card that is well, else the code that every question about it returns. It is read anew for every question. "-1" in a
   figure's place: not supported. No file: the driver is not loaded. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OK = 0, NOT_SUPPORTED = 3, INSUFFICIENT_SIZE = 7, DRIVER_NOT_LOADED = 9 };
typedef struct { long long state, utilisation, used, total, milliwatts, millijoules, held; } Card;

static int read_cards(Card *cards) {
    const char *path = getenv("NVML_STAND_IN");
    FILE *file = path ? fopen(path, "r") : NULL;
    int count = 0;
    if (!file) return -1;
    while (count < 2) {
        Card *c = &cards[count];
        if (fscanf(file, "%lld %lld %lld %lld %lld %lld %lld", &c->state, &c->utilisation, &c->used, &c->total,
                   &c->milliwatts, &c->millijoules, &c->held) != 7) break;
        count++;
    }
    fclose(file);
    return count;
}

static int ask(void *handle, Card *card) {
    Card cards[2];
    int index = (int)(size_t)handle - 1;
    if (read_cards(cards) <= index) return DRIVER_NOT_LOADED;
    *card = cards[index];
    return (int)card->state;
}

#define ASKED(handle) Card card; int failed = ask(handle, &card); if (failed) return failed;
#define TOLD(figure) if (card.figure < 0) return NOT_SUPPORTED;

int nvmlInitWithFlags(unsigned flags) { Card cards[2]; (void)flags; return read_cards(cards) < 0 ? DRIVER_NOT_LOADED : OK; }
int nvmlShutdown(void) { return OK; }
const char *nvmlErrorString(int code) { (void)code; return "an error"; }
int nvmlDeviceGetCount_v2(unsigned *count) { Card cards[2]; *count = (unsigned)read_cards(cards); return OK; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) { *handle = (void *)(size_t)(index + 1); return OK; }
int nvmlDeviceGetUUID(void *handle, char *text, unsigned size) {
    snprintf(text, size, "GPU-%c", (int)('a' + (size_t)handle - 1));
    return OK;
}
int nvmlDeviceGetName(void *handle, char *text, unsigned size) { ASKED(handle) snprintf(text, size, "Stand-in"); return OK; }
int nvmlDeviceGetUtilizationRates(void *handle, unsigned *rates) {
    ASKED(handle) TOLD(utilisation) rates[0] = (unsigned)card.utilisation; rates[1] = 0; return OK;
}
int nvmlDeviceGetMemoryInfo(void *handle, unsigned long long *memory) {
    ASKED(handle) TOLD(used)
    memory[0] = (unsigned long long)card.total; memory[2] = (unsigned long long)card.used;
    memory[1] = memory[0] - memory[2];
    return OK;
}
int nvmlDeviceGetPowerUsage(void *handle, unsigned *power) { ASKED(handle) TOLD(milliwatts) *power = (unsigned)card.milliwatts; return OK; }
int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *energy) {
    ASKED(handle) TOLD(millijoules) *energy = (unsigned long long)card.millijoules; return OK;
}
int nvmlDeviceGetCudaComputeCapability(void *handle, int *major, int *minor) { ASKED(handle) *major = 9; *minor = 0; return OK; }
int nvmlDeviceGetMaxClockInfo(void *handle, int kind, unsigned *megahertz) { ASKED(handle) *megahertz = kind == 2 ? 1000 : 2000; return OK; }
int nvmlDeviceGetMemoryBusWidth(void *handle, unsigned *bits) { ASKED(handle) *bits = 512; return OK; }
int nvmlDeviceGetNumGpuCores(void *handle, unsigned *cores) { ASKED(handle) *cores = 1280; return OK; }

typedef struct { unsigned pid; unsigned long long used; unsigned instance, compute; } Process;
int nvmlDeviceGetComputeRunningProcesses_v3(void *handle, unsigned *count, Process *processes) {
    ASKED(handle)
    if (card.held < 0) { *count = 0; return OK; }
    if (!processes) { *count = 2; return INSUFFICIENT_SIZE; }
    processes[0] = (Process){1, 12345, 0, 0};
    processes[1] = (Process){(unsigned)getpid(), (unsigned long long)card.held, 0, 0};
    *count = 2;
    return OK;
}
