/** What is chosen, joined with what the API says of it. Pure decisions first, then the hook that most components use. */
import { useMemo } from "react";
import type { Dataset, Detector, Item, Run } from "../api/client";
import { useDatasets, useDetectors, useHistogram, useItems, useRuns } from "../api/queries";
import { sizeInPixels, type Filter } from "../detections/filter";
import { isGeoreferenced } from "../map/geometry";
import { useAddress } from "./navigation";
import { createStore, useStore } from "./store";

/** Items whose deletion can still be undone: not shown, not yet deleted. */
export const leaving = createStore<ReadonlySet<string>>(new Set());

export const TERMINAL: readonly Run["state"][] = ["succeeded", "failed", "cancelled"];

/** The run the address names, else the newest that has something to show, else the newest of all. */
export function chooseRun(runs: Run[], item: string | null, named: string | null): Run | null {
  const own = runs.filter((run) => run.item_id === item).sort((a, b) => b.created_at.localeCompare(a.created_at));
  return own.find((run) => run.id === named) ?? own.find((run) => run.state === "succeeded") ?? own[0] ?? null;
}

/** Newest version of each detector, by name. */
export function newestDetectors(detectors: Detector[]): Detector[] {
  const newest = new Map<string, Detector>();
  for (const detector of detectors) {
    const before = newest.get(detector.name);
    if (!before || before.created_at < detector.created_at) newest.set(detector.name, detector);
  }
  return [...newest.values()].sort((a, b) => a.name.localeCompare(b.name));
}

/** Classes in the order of the detector's taxonomy (it gives them their colours), then any it does not know. */
export function classLabels(detector: Detector | null, found: Record<string, number>): string[] {
  const known = detector?.manifest.taxonomy.map((each) => each.path.join("/")) ?? [];
  return [...known, ...Object.keys(found).filter((label) => !known.includes(label)).sort()];
}

export interface Workspace {
  dataset: Dataset | null;
  items: Item[];
  item: Item | null;
  runs: Run[];
  run: Run | null;
  detectors: Detector[];
  labels: string[];
  filter: Filter;
  /** The run's detections can be drawn. */
  drawable: boolean;
}

const NONE: never[] = [];

export function useWorkspace(): Workspace {
  const address = useAddress();
  const gone = useStore(leaving);
  const datasets = useDatasets().data ?? NONE;
  const all = useItems(address.dataset).data ?? NONE;
  const runs = useRuns(address.dataset).data ?? NONE;
  const detectors = useDetectors().data ?? NONE;
  const run = chooseRun(runs, address.scene, address.run);
  const drawable = run?.state === "succeeded";
  const histogram = useHistogram(drawable ? run.id : null).data;
  const detector = detectors.find((each) => each.name === run?.detector && each.version === run.version) ?? null;
  const labels = useMemo(() => classLabels(detector, histogram?.labels ?? {}), [detector, histogram]);
  const threshold = address.threshold ?? histogram?.running_point ?? detector?.manifest.running_point.threshold ?? 0;
  const items = useMemo(() => all.filter((item) => !gone.has(item.id)), [all, gone]);
  const item = items.find((each) => each.id === address.scene) ?? null;
  const filter = useFilter(threshold, item);
  return {
    dataset: datasets.find((each) => each.name === address.dataset) ?? null,
    items,
    item,
    runs,
    run,
    detectors,
    labels,
    filter,
    drawable,
  };
}

/** The filter of the address on the detections of one scene. */
export function useFilter(threshold: number, item: Item | null): Filter {
  const { hidden, size, area } = useAddress();
  const gsd = metresPerPixel(item);
  return useMemo(() => ({ threshold, hidden: new Set(hidden), size: sizeInPixels(size, gsd), area }), [threshold, hidden, size, area, gsd]);
}

/** What sizes on this scene are multiplied with to be metres; null where they stay pixels. */
export function metresPerPixel(item: Item | null): number | null {
  return item?.scene && isGeoreferenced(item.scene) ? (item.scene.gsd_metres ?? null) : null;
}
