/** Rings between the API's coordinates (WGS84, or pixels) and the map's. Pure. */
import { fromLonLat, toLonLat } from "ol/proj";
import type { Ring } from "./model";

export function toMap(rings: readonly Ring[], georeferenced: boolean): Ring[] {
  return rings.map((ring) => ring.map((point) => (georeferenced ? (fromLonLat(point) as [number, number]) : [point[0], -point[1]])));
}

export function fromMap(rings: readonly (readonly number[])[][], georeferenced: boolean): Ring[] {
  return rings.map((ring) =>
    ring.map(([x = 0, y = 0]) => (georeferenced ? (toLonLat([x, y]) as [number, number]) : [x, -y])),
  );
}
