/** What a person does with annotations, each as one function: used by buttons and keys alike. */
import { client, unwrap } from "../api/client";
import { sceneMap } from "../map/live";
import { getAddress, go } from "../state/navigation";
import { say } from "../state/notices";
import { createStore } from "../state/store";
import { newAnnotation } from "./ids";
import { ringsOf, type Ring, type ShapeKind, type Stand } from "./model";
import { fromMap, toMap } from "./place";
import { scope, selectNext, target, type Target } from "./select";
import { tool } from "./tool";
import type { Rings } from "./tools";
import * as work from "./work";

/** Counts what changes shapes from outside the hand: the tool takes them up anew. */
export const round = createStore<number>(0);
let lastLabel: string | null = null;

const blank = ({ origin }: Target): Stand => ({ verdict: "accepted", label: null, shape: "polygon", rings: null, origin });

export function judge(verdict: Stand["verdict"]): void {
  const meant = target();
  if (!meant) return;
  const before = work.standing(meant.id);
  tool.set("none");
  if (before?.verdict !== verdict) work.make({ item: meant.item, id: meant.id, before, after: { ...(before ?? blank(meant)), verdict } });
  if (getAddress().selection !== null) selectNext();
}

export function remove(): void {
  const meant = target();
  const before = meant && work.standing(meant.id);
  if (!meant || !before) return;
  tool.set("none");
  work.make({ item: meant.item, id: meant.id, before, after: null });
  go({ annotation: null });
}

export function relabel(label: string): void {
  const meant = target();
  const before = meant && work.standing(meant.id);
  const plain = label.trim();
  if (!meant || plain === "" || plain === before?.label) return;
  lastLabel = plain;
  work.make({ item: meant.item, id: meant.id, before, after: { ...(before ?? blank(meant)), verdict: "accepted", label: plain } });
}

/** A drag has ended: the shape is saved as it is now. */
export function reshape(meant: Target, shape: ShapeKind, rings: Rings): void {
  const before = work.standing(meant.id);
  const georeferenced = sceneMap.get()?.georeferenced ?? true;
  const after: Stand = { ...(before ?? blank(meant)), verdict: "accepted", shape, rings: fromMap(rings, georeferenced) };
  work.make({ item: meant.item, id: meant.id, before, after });
}

export function drawn(kind: "box" | "polygon", rings: Rings): void {
  const open = scope.get();
  if (!open) return;
  const id = newAnnotation();
  const label = lastLabel ?? open.labels[0] ?? "object";
  const georeferenced = sceneMap.get()?.georeferenced ?? true;
  const after: Stand = { verdict: "accepted", label, shape: kind, rings: fromMap(rings, georeferenced), origin: null };
  work.make({ item: open.item, id, before: null, after });
  // The click that ends the drawing is still on its way: it must not select what lies beneath.
  window.setTimeout(() => {
    tool.set("none");
    go({ annotation: id, selection: null });
  });
}

export function step(back: boolean): void {
  const change = back ? work.undo() : work.redo();
  round.set((before) => before + 1);
  if (!change) {
    say(back ? "Nothing to undo." : "Nothing to do again.");
    return;
  }
  if (change.after?.origin ?? change.before?.origin) return;
  const there = work.standing(change.id) !== null;
  if (there) go({ annotation: change.id, selection: null });
  else if (getAddress().annotation === change.id) go({ annotation: null });
}

/** The shape that is to be edited, in map coordinates: as it stands, else the detection's, whole from the API. */
export async function shapeOf(meant: Target): Promise<{ kind: ShapeKind; rings: Ring[] } | null> {
  const georeferenced = sceneMap.get()?.georeferenced ?? true;
  const stand = work.standing(meant.id);
  if (stand?.rings) return { kind: stand.shape, rings: toMap(stand.rings, georeferenced) };
  if (!meant.origin) return null;
  const path = { run_id: meant.origin.run_id, ordinal: meant.origin.ordinal };
  const detection = await unwrap(client.GET("/api/runs/{run_id}/detections/{ordinal}", { params: { path } }));
  const rings = ringsOf(detection.geometry);
  if (!rings) return null;
  const box = rings.length === 1 && rings[0]?.length === 5;
  return { kind: box ? (detection.box.angle_degrees === 0 ? "box" : "turned-box") : "polygon", rings: toMap(rings, georeferenced) };
}
