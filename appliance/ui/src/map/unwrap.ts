/** Rings of the earth for a flat map: the antimeridian is no edge of it. Pure. */
import type { Position } from "geojson";

/** The ring with longitudes that run on past 180 degrees where it crosses the antimeridian, instead of jumping back.
 * A ring around a pole never comes back to where it began: it is closed along the map's edge. */
export function unwrap(ring: Position[]): Position[] {
  let shift = 0;
  let last = ring[0]?.[0] ?? 0;
  const run = ring.map(([longitude = 0, latitude = 0]) => {
    if (longitude - last > 180) shift -= 360;
    else if (longitude - last < -180) shift += 360;
    last = longitude;
    return [longitude + shift, latitude];
  });
  if (shift === 0) return run;
  const [from = 0, latitude = 0] = run[0] ?? [];
  const [to = 0] = run.at(-1) ?? [];
  if (Math.abs(to - from) < 180) return run;
  const edge = latitude < 0 ? -EDGE : EDGE;
  return [...run, [to, edge], [from, edge], [from, latitude]];
}

/** Where the square world of EPSG:3857 ends. */
const EDGE = 85.05;
