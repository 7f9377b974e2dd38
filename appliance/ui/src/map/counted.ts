/** The counts among a layer's features, each read once. Used by map/shapes.ts and map/annotated.ts; knows no layer. */
import type { FeatureLike } from "ol/Feature";
import { passing, radiusOf, readCounts, type Counts, type Passed, type Passing } from "./counts";

/** The radius of the largest disc, in screen pixels. */
const LARGEST_PX = radiusOf(1e9);

export class Counted {
  private readonly counts = new WeakMap<FeatureLike, Counts>();

  /** Null where the feature is no count. */
  of(feature: FeatureLike, filter: Passing): Passed | null {
    if (feature.get("layer") !== "counts") return null;
    let counts = this.counts.get(feature);
    if (!counts) this.counts.set(feature, (counts = readCounts(String(feature.get("counts")))));
    return passing(counts, filter);
  }

  /** The place of the count whose disc holds a place. */
  at(features: readonly FeatureLike[], [x, y]: readonly [number, number], resolution: number, filter: Passing): [number, number] | null {
    for (const feature of features) {
      const total = this.of(feature, filter)?.total ?? 0;
      const [cx = 0, cy = 0] = feature.getGeometry()?.getExtent() ?? [];
      if (total > 0 && Math.hypot(cx - x, cy - y) <= radiusOf(total) * resolution) return [cx, cy];
    }
    return null;
  }
}

/** An extent that every disc over a place touches with its middle. */
export function around([x, y]: readonly [number, number], resolution: number): [number, number, number, number] {
  const reach = LARGEST_PX * resolution;
  return [x - reach, y - reach, x + reach, y + reach];
}
