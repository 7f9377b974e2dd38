/** The uploads of this page: a few at a time, the rest waiting. Watched by the scene list and the bottom strip. */
import { client, ProblemError, unwrap } from "../api/client";
import { queries } from "../api/queries";
import { fail } from "../state/notices";
import { createStore } from "../state/store";
import { transfer } from "./transfer";

export interface UploadTask {
  id: number;
  dataset: string;
  file: File;
  phase: "waiting" | "reading" | "sending";
  bytes: number;
  itemId: string | null;
  abort: AbortController;
}

export const uploads = createStore<UploadTask[]>([]);

const FILES_AT_ONCE = 2;
let last = 0;
let running = 0;

export function addFiles(dataset: string, files: File[]): void {
  const same = (task: UploadTask, file: File) => task.dataset === dataset && task.file.name === file.name && task.file.size === file.size;
  const fresh = files.filter((file) => !uploads.get().some((task) => same(task, file)));
  uploads.set((before) => [...before, ...fresh.map((file) => makeTask(dataset, file))]);
  pump();
}

function makeTask(dataset: string, file: File): UploadTask {
  last += 1;
  return { id: last, dataset, file, phase: "waiting", bytes: 0, itemId: null, abort: new AbortController() };
}

/** Stops sending and takes back the unfinished item. */
export function cancelUpload(task: UploadTask): void {
  task.abort.abort();
  remove(task.id);
  if (task.itemId !== null) {
    unwrap(client.DELETE("/api/items/{item_id}", { params: { path: { item_id: task.itemId } } }))
      .then(() => queries.invalidateQueries({ queryKey: ["items", task.dataset] }))
      .catch(fail);
  }
}

function remove(id: number): void {
  uploads.set((before) => before.filter((task) => task.id !== id));
}

function update(id: number, patch: Partial<UploadTask>): void {
  uploads.set((before) => before.map((task) => (task.id === id ? { ...task, ...patch } : task)));
}

function pump(): void {
  while (running < FILES_AT_ONCE) {
    const next = uploads.get().find((task) => task.phase === "waiting");
    if (!next) return;
    running += 1;
    void run(next).finally(() => {
      running -= 1;
      pump();
    });
  }
}

async function run(task: UploadTask): Promise<void> {
  update(task.id, { phase: "reading" });
  try {
    await transfer(task.file, task.dataset, task.abort.signal, {
      onPhase: (phase) => update(task.id, { phase, bytes: 0 }),
      onBytes: (bytes) => update(task.id, { bytes }),
      onItem: (item) => {
        update(task.id, { itemId: item.id });
        void queries.invalidateQueries({ queryKey: ["items", task.dataset] });
      },
    });
  } catch (error) {
    if (!task.abort.signal.aborted) {
      fail(error instanceof ProblemError ? error : new ProblemError(0, `${task.file.name} was not sent. ${error instanceof Error ? error.message : ""}`, "Drop it again; what has arrived is kept."));
    }
  } finally {
    remove(task.id);
    void queries.invalidateQueries({ queryKey: ["items", task.dataset] });
    void queries.invalidateQueries({ queryKey: ["datasets"] });
  }
}

// Leaving while files are being sent is the one thing worth asking about: the browser does, in its own words.
window.addEventListener("beforeunload", (event) => {
  if (uploads.get().length > 0) event.preventDefault();
});
