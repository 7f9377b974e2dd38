/** What a person does with a comparison, each as one function: used by buttons, keys and the palette alike. */
import { adjust, getAddress, go } from "../state/navigation";
import type { Address } from "../state/address";
import type { Workspace } from "../state/workspace";
import { chosenSide, sides, type Side } from "./sides";

const ALONE: Partial<Address> = { compare: null, other: null, otherThreshold: null, differences: false };

/** Begins to compare with the first thing there is, or stops. */
export function toggleCompare({ item, run, items, runs }: Workspace): void {
  if (getAddress().compare !== null) {
    stopComparing();
    return;
  }
  if (item?.state !== "ready") return;
  const first = chosenSide(sides(item, run, items, runs), null);
  go({ compare: "swipe", other: first?.value ?? null, run: run?.id ?? null });
}

export function stopComparing(): boolean {
  if (getAddress().compare === null) return false;
  go(ALONE);
  return true;
}

export function setMode(compare: "swipe" | "side"): void {
  go({ compare });
}

export function setSide(other: string): void {
  go({ other, otherThreshold: null });
}

const NEAREST_TO_EDGE = 0.02;

export function moveDivider(split: number): void {
  adjust({ split: Math.min(1 - NEAREST_TO_EDGE, Math.max(NEAREST_TO_EDGE, split)) });
}

/** What is left goes right: selecting, judging and drawing happen on the left. */
export function swapSides({ item, run }: Workspace, right: Side): void {
  const { threshold, otherThreshold } = getAddress();
  if (!item || right.kind === "annotations") return;
  const other = right.kind === "scene" ? `scene:${item.id}` : run && `run:${run.id}`;
  go({ scene: right.item.id, run: right.run?.id ?? null, threshold: otherThreshold, otherThreshold: threshold, other, selection: null, annotation: null });
}
