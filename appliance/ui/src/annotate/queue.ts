/** Changes that wait to be sent, in order. Pure; annotate/sender.ts sends them. */
import type { Change, Stand } from "./model";

export interface Entry {
  item: string;
  id: string;
  after: Stand | null;
  /** The revision the change was made on, 0 for none; null: the one that the answer to the entry before will name. */
  base: number | null;
}

export function enqueue(queue: readonly Entry[], { item, id, after }: Change, revision: number): Entry[] {
  const follows = queue.some((entry) => entry.id === id);
  return [...queue, { item, id, after, base: follows ? null : revision }];
}

/** The head was answered with this revision. */
export function answered(queue: readonly Entry[], revision: number): Entry[] {
  const [head, ...rest] = queue;
  const next = rest.findIndex((entry) => entry.id === head?.id);
  return rest.map((entry, index) => (index === next ? { ...entry, base: revision } : entry));
}

/** The head was refused: what was built on it goes with it. */
export function refused(queue: readonly Entry[]): Entry[] {
  return queue.filter((entry) => entry.id !== queue[0]?.id);
}

/** What an annotation shall be once all is sent; undefined where nothing waits for it. */
export function pending(queue: readonly Entry[], id: string): Stand | null | undefined {
  return queue.findLast((entry) => entry.id === id)?.after;
}

/** Entries read back from the browser's store; what is not such a list is none. */
export function readBack(text: string | null): Entry[] {
  try {
    const found = JSON.parse(text ?? "[]") as unknown;
    return Array.isArray(found) ? found.filter(isEntry) : [];
  } catch {
    return [];
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  const { item, id, after, base } = value as Record<string, unknown>;
  return typeof item === "string" && typeof id === "string" && typeof after === "object" && (base === null || typeof base === "number");
}
