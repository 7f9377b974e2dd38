/** Which detections are shown, and how many that is, decided in the browser. Pure. */
import type { Annotation, Evaluation, Histogram } from "../api/client";

/** From and to, both included; null: no bound. */
export type Range = readonly [number | null, number | null];

export interface Filter {
  threshold: number;
  hidden: ReadonlySet<string>;
  /** Of the longer side, in pixels of the scene. */
  size: Range;
  /** In square metres, or square pixels without georeference. */
  area: Range;
}

export const ANY: Range = [null, null];

export interface Measured {
  score: number;
  label: string;
  size: number | null;
  area: number | null;
}

export function passes(filter: Filter, { score, label, size, area }: Measured): boolean {
  return score >= filter.threshold && !filter.hidden.has(label) && within(filter.size, size) && within(filter.area, area);
}

function within([from, to]: Range, value: number | null): boolean {
  if (from === null && to === null) return true;
  return value !== null && (from === null || value >= from) && (to === null || value <= to);
}

/** The bounds as the API takes them; undefined where there is none. */
export function measuresOf({ size, area }: Pick<Filter, "size" | "area">) {
  return { min_size: size[0] ?? undefined, max_size: size[1] ?? undefined, min_area: area[0] ?? undefined, max_area: area[1] ?? undefined };
}

/** A size in metres as pixels, to the tenth that tiles know sizes to; `gsd`: metres a pixel, null: pixels already. */
export function sizeInPixels([from, to]: Range, gsd: number | null): Range {
  const pixels = (value: number | null) => (value === null ? null : Number((value / (gsd ?? 1)).toFixed(1)));
  return [pixels(from), pixels(to)];
}

/** How many detections have at least this score. Exact where the threshold is the edge of a bin, as the slider's are. */
export function countAtLeast(counts: readonly number[], threshold: number): number {
  // A threshold within a bin is the running point, below which a run finds nothing: the whole bin counts.
  const first = Math.floor(threshold * counts.length + 1e-6);
  return counts.slice(first).reduce((sum, each) => sum + each, 0);
}

/** The step of the slider: the width of a bin. */
export function sliderStep(histogram: Histogram): number {
  return 1 / Math.max(1, histogram.counts.length);
}

/** The threshold moved onto the edge of a bin. */
export function snap(threshold: number, step: number): number {
  return Math.min(1, Math.max(0, Number((Math.round(threshold / step) * step).toFixed(6))));
}

/** Heights of bars in 0..1, by the square root, so that few good scores are seen beside many poor ones. */
export function bars(counts: readonly number[], groups: number): number[] {
  const size = Math.max(1, Math.ceil(counts.length / groups));
  const sums: number[] = [];
  for (let start = 0; start < counts.length; start += size) {
    sums.push(counts.slice(start, start + size).reduce((sum, each) => sum + each, 0));
  }
  const highest = Math.max(1, ...sums);
  return sums.map((sum) => Math.sqrt(sum / highest));
}

/** How many of a run's detections people have called right and wrong, whatever their score. */
export function judged(said: readonly Annotation[], run: string): { right: number; wrong: number } {
  const own = said.filter((each) => !each.deleted && each.origin?.run_id === run);
  const right = own.filter((each) => each.verdict === "accepted").length;
  return { right, wrong: own.length - right };
}

/** The figures for a threshold: those of the highest point of the curve that is not above it. */
export function pointAt(evaluation: Evaluation, threshold: number): Evaluation["point"] {
  let best = evaluation.curve[0] ?? evaluation.point;
  for (const point of evaluation.curve) {
    if (point.threshold <= threshold + 1e-9 && point.threshold >= best.threshold) best = point;
  }
  return best;
}
