/** The scene itself: raster tiles of its COG, over a coarse copy that is there first. Used by map/scene-map.ts. */
import LayerGroup from "ol/layer/Group";
import TileLayer from "ol/layer/Tile";
import { get as projection } from "ol/proj";
import XYZ from "ol/source/XYZ";
import type { Item } from "../api/client";
import type { Display } from "../state/address";
import { coarsestZoom, finestZoom, type Extent } from "./geometry";

export function tileUrl(item: Pick<Item, "id" | "sha256">, display: Display): string {
  const query = new URLSearchParams();
  if (display.bands) query.set("bands", display.bands.join(","));
  if (display.rescale) query.set("rescale", display.rescale.join(","));
  // The digest makes the answer one that never changes: the browser keeps it.
  query.set("v", item.sha256.slice(7, 23));
  return `/api/items/${item.id}/tiles/{z}/{x}/{y}.webp?${query.toString().replaceAll("%2C", ",")}`;
}

/** Two layers: the whole scene in one to four small tiles, and over it the level of the view. */
export function makePicture(): LayerGroup {
  const coarse = new TileLayer<XYZ>();
  const group = new LayerGroup({ zIndex: 2, layers: [coarse, new TileLayer<XYZ>({ preload: 1, cacheSize: 512 })] });
  // Seen through, the two would add up.
  group.on("change:opacity", () => coarse.setVisible(group.getOpacity() === 1));
  return group;
}

export function showPicture(group: LayerGroup, item: Item | null, extent: Extent, display: Display): void {
  const layers = levelsOf(group);
  const finest = item?.scene ? finestZoom(item.scene) : 0;
  const levels = item?.scene ? [Math.min(coarsestZoom(item.scene), finest), finest] : [];
  for (const [place, layer] of layers.entries()) {
    const maxZoom = levels[place];
    if (!item || maxZoom === undefined) layer.setSource(null);
    else showLevel(layer, item, extent, { url: tileUrl(item, display), maxZoom, first: place === 0 });
  }
}

/** Asks again for the tiles that failed, and for all others. */
export function refreshPicture(group: LayerGroup): void {
  for (const layer of levelsOf(group)) layer.getSource()?.refresh();
}

function levelsOf(group: LayerGroup): TileLayer<XYZ>[] {
  return group.getLayers().getArray().filter((each) => each instanceof TileLayer) as TileLayer<XYZ>[];
}

interface Level {
  url: string;
  maxZoom: number;
  /** Asked for before everything else. */
  first: boolean;
}

function showLevel(layer: TileLayer<XYZ>, item: Item, extent: Extent, { url, maxZoom, first }: Level): void {
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  let source = layer.getSource();
  layer.setExtent(extent);
  if (source && source.get("item") === item.id) source.setUrl(url);
  else {
    source = new XYZ({ url, maxZoom, wrapX: false, transition: still ? 0 : 140, interpolate: true });
    source.set("item", item.id);
    layer.setSource(source);
  }
  if (first) ask(source, extent, maxZoom);
}

/** Asks for all tiles of a level now: OpenLayers asks for the coarse ones last, and a browser answers in turn. */
function ask(source: XYZ, extent: Extent, zoom: number): void {
  const mercator = projection("EPSG:3857");
  const url = source.getTileUrlFunction();
  if (!mercator) return;
  source.getTileGridForProjection(mercator).forEachTileCoord(extent, zoom, (tile) => {
    const image = new Image();
    image.fetchPriority = "high";
    image.src = url(tile, 1, mercator) ?? "";
  });
}
