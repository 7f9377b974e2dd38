/** The features of the vector tiles that have arrived, to be asked by place. Used by map/shapes.ts and map/annotated.ts. */
import type { FeatureLike } from "ol/Feature";
import { intersects } from "ol/extent";
import type VectorTileSource from "ol/source/VectorTile";
import Tile from "ol/VectorTile";
import type { Extent } from "./geometry";

interface Arrived {
  z: number;
  extent: Extent;
  /** Held by OpenLayers for as long as it may draw the tile, by nobody else: a day of panning must not grow the heap. */
  tile: WeakRef<Tile<FeatureLike>>;
}

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
    const touching = this.alive().filter((tile) => intersects(tile.extent, extent));
    const wanted = this.source.getTileGrid()?.getZForResolution(resolution, this.source.zDirection) ?? 0;
    const levels = touching.map(({ z }) => z);
    const level = levels.reduce((best, z) => (Math.abs(z - wanted) < Math.abs(best - wanted) ? z : best), levels[0] ?? wanted);
    const found: FeatureLike[] = [];
    for (const tile of touching) {
      if (tile.z !== level) continue;
      for (const feature of tile.features) {
        const own = feature.getGeometry()?.getExtent();
        if (own && intersects(own, extent)) found.push(feature);
      }
    }
    return found;
  }

  some(test: (feature: FeatureLike) => boolean): boolean {
    return this.alive().some(({ features }) => features.some(test));
  }

  private alive(): { z: number; extent: Extent; features: FeatureLike[] }[] {
    return [...this.tiles.values()].flatMap(({ z, extent, tile }) => {
      const features = tile.deref()?.getFeatures();
      return features ? [{ z, extent, features }] : [];
    });
  }

  private take(tile: Tile<FeatureLike>): void {
    const extent = this.source.getTileGrid()?.getTileCoordExtent(tile.tileCoord);
    if (!extent) return;
    for (const [key, known] of this.tiles) if (!known.tile.deref()) this.tiles.delete(key);
    this.tiles.set(tile.tileCoord.join("/"), { z: tile.tileCoord[0] ?? 0, extent: extent as Extent, tile: new WeakRef(tile) });
  }
}
