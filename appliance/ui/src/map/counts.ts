/** How many detections lie around a place, of a tile that holds too many to draw each. Pure. */
import type { Filter } from "../detections/filter";
import { resolutionOf, type Extent } from "./geometry";

/** Label -> hundredth of the score -> how many (layer `counts` of the API's vector tiles). */
export type Counts = Record<string, Record<string, number>>;

const HUNDREDTHS = 100;

export function readCounts(text: string): Counts {
  try {
    return JSON.parse(text) as Counts;
  } catch {
    return {};
  }
}

/** Of a filter, what counts are filtered by here. Sizes the appliance has counted already. */
export type Passing = Pick<Filter, "threshold" | "hidden">;

/** How many pass by score and class, and the label that most of them have. */
export interface Passed {
  total: number;
  label: string;
}

export function passing(counts: Counts, { threshold, hidden }: Passing): Passed {
  const first = Math.floor(threshold * HUNDREDTHS + 1e-6);
  let [total, most, label] = [0, 0, ""];
  for (const [name, bins] of Object.entries(counts)) {
    if (hidden.has(name)) continue;
    let own = 0;
    for (const [bin, found] of Object.entries(bins)) if (Number(bin) >= first) own += found;
    total += own;
    if (own > most) [most, label] = [own, name];
  }
  return { total, label };
}

/** More shapes than this on average in a tile of 512 screen pixels hide each other: they become counts. */
const MOST_ON_AVERAGE = 1500;
/** So many are too slow to draw, wherever the others are. */
const MOST_IN_A_TILE = 6000;

/** How many shapes a tile may hold before it gives counts instead; null: any number.
 *
 * By the average of the whole scene, so that one zoom shows counts everywhere or nowhere, but for the densest places.
 * Where tiles are finest there is no zooming in on a count: there every shape is drawn. */
export function countsAbove(zoom: number, count: number, extent: Extent, finest: number): number | null {
  if (zoom >= finest) return null;
  const side = 256 * resolutionOf(zoom);
  const area = (extent[2] - extent[0]) * (extent[3] - extent[1]);
  const average = count * Math.min(1, (side * side) / area);
  return average > MOST_ON_AVERAGE ? 0 : MOST_IN_A_TILE;
}

/** A number for a small circle: 7, 420, 1.3k, 22k, 1.4M. */
export function short(total: number): string {
  if (total < 1000) return String(total);
  const [value, unit] = total < 999_500 ? [total / 1000, "k"] : [total / 1e6, "M"];
  return `${value < 9.95 ? value.toFixed(1) : value.toFixed(0)}${unit}`;
}

/** The radius of the circle in screen pixels: larger with the number, never so large that neighbours touch. */
export function radiusOf(total: number): number {
  return Math.min(26, 9 + 4 * Math.log10(Math.max(1, total)));
}
