/** One file into a dataset: digest, announce, send what is missing, complete. Used by upload/queue.ts. */
import { client, ProblemError, unwrap, type Item, type Upload } from "../api/client";
import { digestOf } from "./hash";
import { planParts } from "./plan";
import { AddressExpired, sendParts } from "./send";

export interface Observer {
  onPhase(phase: "reading" | "sending"): void;
  onItem(item: Item): void;
  onBytes(bytes: number): void;
}

const ROUNDS = 20;

/** Ends when the item is complete in the store. `known` is true where the same content was there before. */
export async function transfer(file: File, dataset: string, signal: AbortSignal, observer: Observer): Promise<{ item: Item; known: boolean }> {
  if (file.size === 0) throw new ProblemError(0, `${file.name} is empty.`, "Choose a file that holds an image.");
  observer.onPhase("reading");
  const sha256 = await digestOf(file, signal, (bytes) => observer.onBytes(bytes));
  const announced = await unwrap(
    client.POST("/api/datasets/{dataset}/items", {
      params: { path: { dataset } },
      body: { name: file.name, size_bytes: file.size, sha256 },
      signal,
    }),
  );
  observer.onItem(announced.item);
  if (!announced.upload) return { item: announced.item, known: true };
  observer.onPhase("sending");
  await sendMissing(file, announced.item, announced.upload, signal, observer);
  const path = { item_id: announced.item.id };
  return { item: await unwrap(client.POST("/api/items/{item_id}/upload/complete", { params: { path }, signal })), known: false };
}

async function sendMissing(file: File, item: Item, first: Upload, signal: AbortSignal, observer: Observer): Promise<void> {
  let upload = first;
  for (let round = 0; round < ROUNDS; round += 1) {
    const plan = planParts(upload, file.size);
    observer.onBytes(plan.doneBytes);
    if (plan.parts.length === 0 && plan.waiting === 0) return;
    try {
      await sendParts(file, plan.parts, signal, (bytes) => observer.onBytes(plan.doneBytes + bytes));
      if (plan.waiting === 0) return;
    } catch (error) {
      if (!(error instanceof AddressExpired)) throw error;
    }
    upload = await unwrap(client.GET("/api/items/{item_id}/upload", { params: { path: { item_id: item.id } }, signal }));
  }
  throw new ProblemError(0, `${file.name} could not be sent: the object store keeps refusing its parts.`, "Drop the file again; what has arrived is kept.");
}
