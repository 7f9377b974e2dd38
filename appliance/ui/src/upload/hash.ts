/** The sha256 of a file, computed in a worker. */
import type { HashMessage } from "./hash.worker";

export function digestOf(file: File, signal: AbortSignal, onProgress: (bytes: number) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./hash.worker.ts", import.meta.url), { type: "module" });
    const stop = (error?: Error) => {
      worker.terminate();
      signal.removeEventListener("abort", cancelled);
      if (error) reject(error);
    };
    const cancelled = () => stop(new DOMException("Cancelled", "AbortError"));
    signal.addEventListener("abort", cancelled);
    worker.onerror = (event) => stop(new Error(`${file.name} cannot be read: ${event.message}`));
    worker.onmessage = (message: MessageEvent<HashMessage>) => {
      const answer = message.data;
      if ("done" in answer) onProgress(answer.done);
      else if ("failed" in answer) stop(new Error(`${file.name} cannot be read: ${answer.failed}`));
      else {
        stop();
        resolve(answer.digest);
      }
    };
    worker.postMessage(file);
  });
}
