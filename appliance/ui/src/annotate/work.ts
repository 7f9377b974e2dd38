/** The annotations of this page: what the appliance says, what waits to be sent, what can be undone. Knows no React, no map. */
import type { Annotation } from "../api/client";
import { createStore } from "../state/store";
import { inverse, standOf, type Change, type Stand } from "./model";
import { enqueue, pending, type Entry } from "./queue";
import { did, NOTHING, redone, undone, without, type Past } from "./undo";

/** As the appliance last said, deleted ones too; by id. */
export const known = createStore<ReadonlyMap<string, Annotation>>(new Map());
export const queue = createStore<readonly Entry[]>([]);
let past: Past = NOTHING;

/** What an annotation is on this page: as the appliance says, with what waits to be sent. */
export function standing(id: string): Stand | null {
  return standingOf(id, known.get(), queue.get());
}

function standingOf(id: string, said: ReadonlyMap<string, Annotation>, waiting: readonly Entry[]): Stand | null {
  const wanted = pending(waiting, id);
  if (wanted !== undefined) return wanted;
  const one = said.get(id);
  return one ? standOf(one) : null;
}

export interface Standing {
  id: string;
  stand: Stand;
}

/** All of an item's annotations as they stand. */
export function all(item: string, said: ReadonlyMap<string, Annotation>, waiting: readonly Entry[]): Standing[] {
  const ids = new Set<string>();
  for (const each of said.values()) if (each.item_id === item) ids.add(each.id);
  for (const entry of waiting) if (entry.item === item) ids.add(entry.id);
  return [...ids].flatMap((id) => {
    const stand = standingOf(id, said, waiting);
    return stand ? [{ id, stand }] : [];
  });
}

/** Makes a change that can be undone. */
export function make(change: Change): void {
  past = did(past, change);
  push(change);
}

export function undo(): Change | null {
  const step = undone(past);
  past = step.past;
  if (step.change) push(inverse(step.change));
  return step.change;
}

export function redo(): Change | null {
  const step = redone(past);
  past = step.past;
  if (step.change) push(step.change);
  return step.change;
}

function push(change: Change): void {
  queue.set((before) => enqueue(before, change, known.get().get(change.id)?.revision ?? 0));
}

/** Takes what the appliance says of some; an older word never replaces a newer. */
export function learn(said: readonly Annotation[]): void {
  known.set((before) => {
    const next = new Map(before);
    for (const each of said) if ((next.get(each.id)?.revision ?? 0) <= each.revision) next.set(each.id, each);
    return next;
  });
}

/** Takes the whole list of an item: what is not in it is gone. */
export function learnAll(item: string, said: readonly Annotation[]): void {
  const named = new Set(said.map((each) => each.id));
  known.set((before) => new Map([...before].filter(([id, each]) => each.item_id !== item || named.has(id) || each.deleted)));
  learn(said);
}

/** Somebody else was faster: it is what they left, and what was before cannot be brought back by undo. */
export function yieldTo(id: string, present: Annotation | null): void {
  past = without(past, id);
  known.set((before) => {
    const next = new Map(before);
    if (present) next.set(id, present);
    else next.delete(id);
    return next;
  });
}
