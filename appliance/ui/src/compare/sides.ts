/** What the open scene can be compared with, and which of it is chosen. Pure. */
import type { Item, Run } from "../api/client";
import { isGeoreferenced, sceneExtent, type Extent } from "../map/geometry";
import { utc } from "../parts/numbers";
import { chooseRun } from "../state/workspace";

export interface Side {
  /** As in the address. */
  value: string;
  kind: "annotations" | "run" | "scene";
  title: string;
  item: Item;
  /** Whose detections are drawn; null: none. */
  run: Run | null;
}

/** Everything that the scene can be compared with, the most telling first: other runs, annotations, other scenes. */
export function sides(item: Item, run: Run | null, items: readonly Item[], runs: readonly Run[]): Side[] {
  const drawable = runs.filter((each) => each.state === "succeeded");
  const others = drawable.filter((each) => each.item_id === item.id && each.id !== run?.id);
  const scenes = items.filter((each) => each.id !== item.id && samePlace(item, each));
  return [
    ...others.map((each): Side => ({ value: `run:${each.id}`, kind: "run", title: runTitle(each), item, run: each })),
    { value: "annotations", kind: "annotations", title: "Annotations", item, run: null },
    ...scenes.map((each): Side => ({ value: `scene:${each.id}`, kind: "scene", title: sceneTitle(each), item: each, run: runOf(each, run, drawable) })),
  ];
}

/** The side that the address names; where it names none, the first. */
export function chosenSide(all: readonly Side[], value: string | null): Side | null {
  return all.find((side) => side.value === value) ?? all[0] ?? null;
}

export const runTitle = (run: Pick<Run, "detector" | "version">): string => `${run.detector} ${run.version}`;

/** What tells two pictures of one place apart: the day, else the name. */
export function sceneTitle({ name, scene }: Item): string {
  return scene?.acquired_at ? `${name}, ${utc(scene.acquired_at)}` : name;
}

/** On the ground, scenes that share some of it; without georeference, pictures of one size. */
function samePlace({ scene: one }: Item, { scene: other, state }: Item): boolean {
  if (!one || !other || state !== "ready" || isGeoreferenced(one) !== isGeoreferenced(other)) return false;
  if (!isGeoreferenced(one)) return one.width === other.width && one.height === other.height;
  return overlap(sceneExtent(one), sceneExtent(other));
}

const overlap = (a: Extent, b: Extent): boolean => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** The same detector's run on the other scene, so that what differs is the scene; else the one that would be shown. */
function runOf(item: Item, run: Run | null, drawable: Run[]): Run | null {
  const same = drawable.find((each) => each.item_id === item.id && each.detector === run?.detector && each.version === run.version);
  return same ?? chooseRun(drawable, item.id, null);
}
