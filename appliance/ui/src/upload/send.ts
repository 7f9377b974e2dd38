/** Sends parts straight to the object store, several at once, each tried again with growing pauses. */
import type { PartPlan } from "./plan";

const AT_ONCE = 4;
const TRIES = 5;
const FIRST_PAUSE_MS = 500;
const STALLED_MS = 60_000;

/** The store refused a part's address: it has expired, and a new one must be asked for. */
export class AddressExpired extends Error {}

/** Sends all parts or throws; `onProgress` gets the bytes of these parts that have left. */
export async function sendParts(file: File, parts: PartPlan[], signal: AbortSignal, onProgress: (bytes: number) => void): Promise<void> {
  const sent = new Map<number, number>();
  const queue = [...parts];
  const report = (part: PartPlan, bytes: number) => {
    sent.set(part.number, bytes);
    let total = 0;
    for (const each of sent.values()) total += each;
    onProgress(total);
  };
  const worker = async () => {
    for (let part = queue.shift(); part; part = queue.shift()) {
      const current = part;
      await persistently(file, current, signal, (bytes) => report(current, bytes));
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, parts.length) }, worker));
}

async function persistently(file: File, part: PartPlan, signal: AbortSignal, onProgress: (bytes: number) => void): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await put(part.url, file.slice(part.start, part.end), signal, onProgress);
      return;
    } catch (error) {
      onProgress(0);
      if (signal.aborted || error instanceof AddressExpired || attempt === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE_MS * 2 ** (attempt - 1)));
    }
  }
}

// XMLHttpRequest, because fetch does not tell how much of a body has been sent.
function put(url: string, body: Blob, signal: AbortSignal, onProgress: (bytes: number) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(new DOMException("Cancelled", "AbortError"));
      return;
    }
    const request = new XMLHttpRequest();
    let stalled = 0;
    const finish = (error?: Error) => {
      window.clearTimeout(stalled);
      signal.removeEventListener("abort", abort);
      if (error) reject(error);
      else resolve();
    };
    const abort = () => request.abort();
    const watch = () => {
      window.clearTimeout(stalled);
      stalled = window.setTimeout(abort, STALLED_MS);
    };
    signal.addEventListener("abort", abort);
    request.upload.onprogress = (event) => {
      watch();
      onProgress(event.loaded);
    };
    request.onload = () => {
      if (request.status < 300) finish();
      else if (request.status === 403) finish(new AddressExpired());
      else finish(new Error(`The object store answered ${request.status}.`));
    };
    request.onerror = () => finish(new Error("The object store does not answer."));
    request.onabort = () => finish(signal.aborted ? new DOMException("Cancelled", "AbortError") : new Error("The object store stopped answering."));
    request.open("PUT", url);
    watch();
    request.send(body);
  });
}
