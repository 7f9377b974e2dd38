/** Which annotation is meant: that of the selected detection, or one selected itself; and which detection comes next. */
import { inView, sceneMap } from "../map/live";
import { getAddress, go } from "../state/navigation";
import { createStore } from "../state/store";
import { detectionAnnotation } from "./ids";
import type { Origin, Stand } from "./model";
import { standing } from "./work";

/** Of the run shown: which detections are judged, by ordinal. Written by annotate/useAnnotations.ts. */
export const verdicts = createStore<ReadonlyMap<number, Stand["verdict"]>>(new Map());

/** The scene and run that are open. Written by annotate/useAnnotations.ts. */
export interface Scope {
  item: string;
  run: string | null;
  labels: string[];
}
export const scope = createStore<Scope | null>(null);

export interface Target {
  id: string;
  item: string;
  origin: Origin | null;
}

export function target(): Target | null {
  const open = scope.get();
  const { selection, annotation } = getAddress();
  if (!open) return null;
  if (annotation !== null) return { id: annotation, item: open.item, origin: standing(annotation)?.origin ?? null };
  if (selection === null || open.run === null) return null;
  return { id: detectionAnnotation(open.run, selection), item: open.item, origin: { run_id: open.run, ordinal: selection } };
}

/** Selects an annotation found on the map: by its detection where that is of the run shown. */
export function choose(id: string | null): boolean {
  if (id === null) return false;
  const origin = standing(id)?.origin;
  if (origin && origin.run_id === scope.get()?.run) go({ selection: origin.ordinal, annotation: null });
  else go({ selection: null, annotation: id });
  return true;
}

/** Selects the next detection in view that nobody has judged: after the selected one, then from the best again. */
export function selectNext(): void {
  const { shapes } = inView.get();
  const judged = verdicts.get();
  const at = shapes.findIndex((shape) => shape.ordinal === getAddress().selection);
  const order = [...shapes.slice(at + 1), ...shapes.slice(0, Math.max(0, at))];
  const next = order.find((shape) => !judged.has(shape.ordinal));
  if (!next) return;
  go({ selection: next.ordinal, annotation: null });
  sceneMap.get()?.reveal(next.extent);
}
