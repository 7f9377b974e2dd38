/** Boxes under the hand, in map coordinates: a corner dragged, the whole moved, a new one drawn. Pure. */
import type { SceneInfo } from "../api/client";

export type Point = [number, number];

const SMALLEST = 0.02;

/** The box with one corner at another place; the opposite one stays, and its sides keep their directions. */
export function dragCorner(corners: readonly Point[], index: number, to: Point): Point[] {
  const fixed = at(corners, index + 2);
  const [first, second] = [minus(at(corners, index + 1), fixed), minus(at(corners, index + 3), fixed)];
  const [s, t] = parts(minus(to, fixed), first, second).map(notNothing) as Point;
  const moved = [...corners] as Point[];
  moved[index % 4] = plus(plus(fixed, times(first, s)), times(second, t));
  moved[(index + 1) % 4] = plus(fixed, times(first, s));
  moved[(index + 3) % 4] = plus(fixed, times(second, t));
  return moved;
}

export function move(corners: readonly Point[], by: Point): Point[] {
  return corners.map((corner) => plus(corner, by));
}

/** The box between two opposite corners, along the scene's rows and columns. */
export function boxBetween(start: Point, end: Point, [along, across]: readonly [Point, Point]): Point[] {
  const [s, t] = parts(minus(end, start), along, across);
  return [start, plus(start, times(along, s)), end, plus(start, times(across, t))];
}

/** Which way a scene's columns and rows run on the map, but for the small turn of its projection against ours. */
export function axes(scene: Pick<SceneInfo, "crs" | "transform">): [Point, Point] {
  const [a = 1, b = 0, , d = 0, e = 1] = scene.transform;
  if (!scene.crs) return [[1, 0], [0, -1]];
  return [unit([a, d]), unit([b, e])];
}

/** Of the corners within reach the nearest, else -1. */
export function cornerAt(corners: readonly Point[], [x, y]: Point, reach: number): number {
  const away = corners.map(([cx, cy]) => Math.hypot(cx - x, cy - y));
  const nearest = Math.min(...away);
  return nearest <= reach ? away.indexOf(nearest) : -1;
}

function at(corners: readonly Point[], index: number): Point {
  return corners[index % 4] ?? [0, 0];
}

/** v = s a + t b. */
function parts(v: Point, a: Point, b: Point): Point {
  const determinant = a[0] * b[1] - a[1] * b[0];
  return determinant === 0 ? [1, 1] : [(v[0] * b[1] - v[1] * b[0]) / determinant, (a[0] * v[1] - a[1] * v[0]) / determinant];
}

const notNothing = (share: number) => (Math.abs(share) < SMALLEST ? SMALLEST : share);
const plus = (a: Point, b: Point): Point => [a[0] + b[0], a[1] + b[1]];
const minus = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1]];
const times = (a: Point, by: number): Point => [a[0] * by, a[1] * by];
const unit = (a: Point): Point => times(a, 1 / (Math.hypot(...a) || 1));
