/** What was done and can be undone, what was undone and can be done again. Pure. */
import type { Change } from "./model";

export interface Past {
  done: Change[];
  undone: Change[];
}

const MOST = 500;
export const NOTHING: Past = { done: [], undone: [] };

export function did(past: Past, change: Change): Past {
  return { done: [...past.done, change].slice(-MOST), undone: [] };
}

export function undone(past: Past): { past: Past; change: Change | null } {
  const change = past.done.at(-1) ?? null;
  return change ? { past: { done: past.done.slice(0, -1), undone: [...past.undone, change] }, change } : { past, change };
}

export function redone(past: Past): { past: Past; change: Change | null } {
  const change = past.undone.at(-1) ?? null;
  return change ? { past: { done: [...past.done, change], undone: past.undone.slice(0, -1) }, change } : { past, change };
}

/** Without one annotation: somebody else has changed it, and what was before is no more. */
export function without(past: Past, id: string): Past {
  const other = (change: Change) => change.id !== id;
  return { done: past.done.filter(other), undone: past.undone.filter(other) };
}
