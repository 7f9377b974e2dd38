/** The comparison that the address names, joined with what the API says of both sides. */
import { useMemo } from "react";
import { useHistogram } from "../api/queries";
import type { Filter } from "../detections/filter";
import { useAddress } from "../state/navigation";
import { classLabels, useFilter, useWorkspace } from "../state/workspace";
import { chosenSide, sides, type Side } from "./sides";

export interface Comparison {
  mode: "swipe" | "side";
  all: Side[];
  right: Side;
  /** Of the right side's detections; colours follow the left side's classes where they are the same. */
  filter: Filter;
  labels: string[];
}

/** Null where nothing is compared. */
export function useComparison(): Comparison | null {
  const { compare, other, otherThreshold } = useAddress();
  const { item, run, items, runs, detectors, labels } = useWorkspace();
  const open = item?.state === "ready" ? item : null;
  const all = useMemo(() => (open ? sides(open, run, items, runs) : []), [open, run, items, runs]);
  const right = chosenSide(all, other);
  const histogram = useHistogram(compare !== null && right?.run ? right.run.id : null).data;
  const detector = detectors.find((each) => each.name === right?.run?.detector && each.version === right.run.version) ?? null;
  const own = useMemo(() => [...new Set([...labels, ...classLabels(detector, histogram?.labels ?? {})])], [labels, detector, histogram]);
  const threshold = otherThreshold ?? histogram?.running_point ?? detector?.manifest.running_point.threshold ?? 0;
  const filter = useFilter(threshold, right?.item ?? null);
  return compare === null || right === null ? null : { mode: compare, all, right, filter, labels: own };
}
