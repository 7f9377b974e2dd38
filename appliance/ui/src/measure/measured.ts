/** What a drawn line measures, on the ground or in pixels. Pure. */
import { toLonLat } from "ol/proj";
import { area, length, type LonLat } from "./geodesy";

export interface Measured {
  /** Metres, or pixels. */
  length: number;
  /** What the line encloses when its ends are joined, square metres or pixels; null for less than three points. */
  area: number | null;
}

export function measure(points: readonly (readonly number[])[], georeferenced: boolean): Measured {
  if (!georeferenced) return { length: flatLength(points), area: points.length < 3 ? null : flatArea(points) };
  const places = points.map(([x = 0, y = 0]) => toLonLat([x, y]) as unknown as LonLat);
  return { length: length(places), area: places.length < 3 ? null : area(places) };
}

function flatLength(points: readonly (readonly number[])[]): number {
  return points.slice(1).reduce((sum, [x = 0, y = 0], index) => sum + Math.hypot(x - (points[index]?.[0] ?? 0), y - (points[index]?.[1] ?? 0)), 0);
}

/** Gauss's area formula. */
function flatArea(points: readonly (readonly number[])[]): number {
  const twice = points.reduce((sum, [x = 0, y = 0], index) => {
    const [nextX = 0, nextY = 0] = points[(index + 1) % points.length] ?? [];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice / 2);
}
