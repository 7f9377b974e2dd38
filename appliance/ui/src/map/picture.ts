/** The scene itself: raster tiles of its COG. Used by map/scene-map.ts. */
import TileLayer from "ol/layer/Tile";
import XYZ from "ol/source/XYZ";
import type { Item } from "../api/client";
import type { Display } from "../state/address";
import { finestZoom, type Extent } from "./geometry";

export function tileUrl(item: Pick<Item, "id" | "sha256">, display: Display): string {
  const query = new URLSearchParams();
  if (display.bands) query.set("bands", display.bands.join(","));
  if (display.rescale) query.set("rescale", display.rescale.join(","));
  // The digest makes the answer one that never changes: the browser keeps it.
  query.set("v", item.sha256.slice(7, 23));
  return `/api/items/${item.id}/tiles/{z}/{x}/{y}.webp?${query.toString().replaceAll("%2C", ",")}`;
}

export function makePicture(): TileLayer<XYZ> {
  // Coarser levels come first, so that finer ones fade in from them and never from white.
  return new TileLayer<XYZ>({ preload: 3, zIndex: 2, cacheSize: 512 });
}

export function showPicture(layer: TileLayer<XYZ>, item: Item | null, extent: Extent, display: Display): void {
  if (!item?.scene) {
    layer.setSource(null);
    return;
  }
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const url = tileUrl(item, display);
  const source = layer.getSource();
  layer.setExtent(extent);
  if (source && source.get("item") === item.id) source.setUrl(url);
  else {
    const fresh = new XYZ({ url, maxZoom: finestZoom(item.scene), wrapX: false, transition: still ? 0 : 140, interpolate: true });
    fresh.set("item", item.id);
    layer.setSource(fresh);
  }
}
