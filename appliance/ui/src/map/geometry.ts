/** Where a scene lies on the map, and what a place on the map means on the ground. Pure.
 *
 * The map is always EPSG:3857. A scene without georeference lies in it as if one pixel were one metre:
 * x = column, y = -row. So raster tiles, vector tiles and this page have one code path.
 */
import { fromLonLat, toLonLat } from "ol/proj";
import type { Place } from "../state/address";

/** What of a scene's description says where it lies (contracts.item.SceneInfo). */
export interface Located {
  width: number;
  height: number;
  crs?: string | null;
  bbox?: number[] | null;
}

export type Extent = [number, number, number, number];

/** Metres per pixel of zoom 0 at the equator, 256-pixel tiles: 2 pi 6378137 / 256 (OGC WebMercatorQuad). */
export const RESOLUTION_0 = 156543.03392804097;
const RADIUS = 6378137;

export function isGeoreferenced(scene: Pick<Located, "crs" | "bbox">): boolean {
  return scene.crs != null && scene.bbox != null;
}

export function sceneExtent(scene: Located): Extent {
  if (!isGeoreferenced(scene) || !scene.bbox) return [0, -scene.height, scene.width, 0];
  const [west = 0, south = 0, east = 0, north = 0] = scene.bbox;
  // RFC 7946: across the antimeridian, east is less than west.
  const [x0, y0] = project([west, south]);
  const [x1, y1] = project([east < west ? east + 360 : east, north]);
  return [x0, y0, x1, y1];
}

/** The finest zoom at which tiles still gain detail: one tile pixel at most one scene pixel. */
export function finestZoom(scene: Located): number {
  const extent = sceneExtent(scene);
  const resolution = Math.min((extent[2] - extent[0]) / scene.width, (extent[3] - extent[1]) / scene.height);
  return Math.min(24, Math.max(0, Math.ceil(Math.log2(RESOLUTION_0 / resolution) - 0.01)));
}

/** The finest zoom at which the whole scene is no larger than one tile; it may still lie on up to four. */
export function coarsestZoom(scene: Located): number {
  const extent = sceneExtent(scene);
  const side = Math.max(extent[2] - extent[0], extent[3] - extent[1]);
  return Math.min(24, Math.max(0, Math.floor(Math.log2((RESOLUTION_0 * 256) / side))));
}

export function zoomOf(resolution: number): number {
  return Math.log2(RESOLUTION_0 / resolution);
}

export function resolutionOf(zoom: number): number {
  return RESOLUTION_0 / 2 ** zoom;
}

/** Metres on the ground per map metre at a height of the map: the cosine of the latitude. */
export function groundScale(y: number): number {
  return 1 / Math.cosh(y / RADIUS);
}

/** `rotation` in radians, as OpenLayers has it. */
export function toPlace([x, y]: readonly [number, number], resolution: number, rotation: number, georeferenced: boolean): Place {
  const zoom = zoomOf(resolution);
  const turn = (((rotation * 180) / Math.PI) % 360 + 360) % 360;
  if (!georeferenced) return { first: x, second: -y, zoom, turn };
  const [longitude, latitude] = toLonLat([x, y]) as [number, number];
  return { first: latitude, second: longitude, zoom, turn };
}

export function fromPlace(place: Place, georeferenced: boolean): [number, number] {
  return georeferenced ? project([place.second, place.first]) : [place.first, -place.second];
}

function project(lonLat: [number, number]): [number, number] {
  // Latitudes beyond the square world are cut at its edge.
  const limited = [lonLat[0], Math.min(85.0511287798, Math.max(-85.0511287798, lonLat[1]))];
  return fromLonLat(limited) as [number, number];
}
