/** The features of the vector tiles that have arrived, to be asked by place. Used by map/shapes.ts. */
import type { FeatureLike } from "ol/Feature";
import { intersects } from "ol/extent";
import type VectorTileSource from "ol/source/VectorTile";
import Tile from "ol/VectorTile";
import type { Extent } from "./geometry";

interface Arrived {
  z: number;
  extent: Extent;
  features: FeatureLike[];
}

/** Tiles remembered; the longest unused are let go, so that memory stays flat over a day of panning. */
const MOST = 96;

export class LoadedTiles {
  private readonly tiles = new Map<string, Arrived>();

  constructor(
    private readonly source: VectorTileSource,
    onArrive: () => void,
  ) {
    source.on("tileloadend", (event) => {
      if (event.tile instanceof Tile) this.take(event.tile as Tile<FeatureLike>);
      onArrive();
    });
  }

  /** Features of the tiles for this resolution that touch the extent; a feature on a seam comes more than once. */
  within(extent: Extent, resolution: number): FeatureLike[] {
    const touching = [...this.tiles.entries()].filter(([, tile]) => intersects(tile.extent, extent));
    const wanted = this.source.getTileGrid()?.getZForResolution(resolution, this.source.zDirection) ?? 0;
    const levels = touching.map(([, tile]) => tile.z);
    const level = levels.reduce((best, z) => (Math.abs(z - wanted) < Math.abs(best - wanted) ? z : best), levels[0] ?? wanted);
    const found: FeatureLike[] = [];
    for (const [key, tile] of touching) {
      if (tile.z !== level) continue;
      this.tiles.delete(key);
      this.tiles.set(key, tile);
      for (const feature of tile.features) {
        const own = feature.getGeometry()?.getExtent();
        if (own && intersects(own, extent)) found.push(feature);
      }
    }
    return found;
  }

  some(test: (feature: FeatureLike) => boolean): boolean {
    return [...this.tiles.values()].some((tile) => tile.features.some(test));
  }

  private take(tile: Tile<FeatureLike>): void {
    const extent = this.source.getTileGrid()?.getTileCoordExtent(tile.tileCoord);
    if (!extent) return;
    this.tiles.set(tile.tileCoord.join("/"), { z: tile.tileCoord[0] ?? 0, extent: extent as Extent, features: tile.getFeatures() ?? [] });
    for (const key of this.tiles.keys()) {
      if (this.tiles.size <= MOST) break;
      this.tiles.delete(key);
    }
  }
}
