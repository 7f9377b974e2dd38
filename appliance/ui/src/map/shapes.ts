/** Vector tiles of one run, filtered in the browser, with hover and selection drawn over them. Used by map/scene-map.ts. */
import type { FeatureLike } from "ol/Feature";
import MVT from "ol/format/MVT";
import LayerGroup from "ol/layer/Group";
import VectorTileLayer from "ol/layer/VectorTile";
import VectorTileSource from "ol/source/VectorTile";
import { passes, type Filter } from "../detections/filter";
import type { Extent } from "./geometry";
import { LoadedTiles } from "./loaded";
import { shapeStyles } from "./styles";

/** A detection as the map knows it: in map coordinates, possibly cut at a tile's edge when it is not all in view. */
export interface Shape {
  ordinal: number;
  label: string;
  score: number;
  area: number | null;
  extent: Extent;
}

/** On the screen a shape must be this wide, in pixels, to be named. */
const ROOM_FOR_TEXT = 46;
const TOLERANCE_PX = 3;

/** Up to this many detections every frame draws them afresh, crisp at any zoom; more are drawn once per tile. */
const CRISP_UP_TO = 6000;

export class Shapes {
  /** Called when more shapes have arrived. */
  onArrive: () => void = () => undefined;
  readonly group = new LayerGroup({ zIndex: 5 });
  private layer: VectorTileLayer | null = null;
  private over: VectorTileLayer | null = null;
  private loaded: LoadedTiles | null = null;
  private filter: Filter = { threshold: 0, hidden: new Set() };
  private labels: string[] = [];
  private hovered: number | null = null;
  private selected: number | null = null;
  private rejected: ReadonlySet<number> = new Set();
  private replaced: ReadonlySet<number> = new Set();

  /** Shows the run's detections; `count` is how many it has. */
  show(run: string | null, count: number, extent: Extent, finest: number): void {
    this.group.getLayers().clear();
    this.layer = this.over = this.loaded = null;
    this.hovered = null;
    if (run === null) return;
    const source = new VectorTileSource({
      format: new MVT(),
      url: `/api/runs/${run}/tiles/{z}/{x}/{y}.mvt`,
      maxZoom: finest,
      wrapX: false,
    });
    this.loaded = new LoadedTiles(source, () => this.onArrive());
    const renderMode = count <= CRISP_UP_TO ? "vector" : "hybrid";
    this.layer = new VectorTileLayer({ source, extent, renderMode, style: (feature, resolution) => this.style(feature, resolution), zIndex: 5 });
    this.over = new VectorTileLayer({ source, extent, renderMode: "vector", style: (feature) => this.styleOver(feature), zIndex: 6 });
    this.group.getLayers().extend([this.layer, this.over]);
  }

  setVisible(visible: boolean): void {
    this.group.setVisible(visible);
  }

  setFilter(filter: Filter, labels: string[]): void {
    this.filter = filter;
    this.labels = labels;
    this.layer?.changed();
    this.over?.changed();
  }

  setHovered(ordinal: number | null): boolean {
    if (ordinal === this.hovered) return false;
    this.hovered = ordinal;
    this.over?.changed();
    return true;
  }

  setSelected(ordinal: number | null): void {
    if (ordinal === this.selected) return;
    this.selected = ordinal;
    this.over?.changed();
  }

  /** Rejected ones fade; replaced ones are drawn as annotations instead. */
  setJudged(rejected: ReadonlySet<number>, replaced: ReadonlySet<number>): void {
    this.rejected = rejected;
    this.replaced = replaced;
    this.layer?.changed();
    this.over?.changed();
  }

  /** The shapes shown that touch an extent, each once, best first. */
  within(extent: Extent, resolution: number): Shape[] {
    if (!this.loaded || !this.group.getVisible()) return [];
    const found = new Map<number, Shape>();
    for (const feature of this.loaded.within(extent, resolution)) {
      const shape = read(feature);
      if (!shape || !passes(this.filter, shape.score, shape.label)) continue;
      const other = found.get(shape.ordinal);
      found.set(shape.ordinal, other ? { ...other, extent: union(other.extent, shape.extent) } : shape);
    }
    return [...found.values()].sort((a, b) => b.score - a.score || a.ordinal - b.ordinal);
  }

  /** The smallest shape at a place: of nested ones, the inner. */
  at(x: number, y: number, resolution: number): Shape | null {
    const tolerance = TOLERANCE_PX * resolution;
    const near = this.within([x - tolerance, y - tolerance, x + tolerance, y + tolerance], resolution);
    const size = ({ extent }: Shape) => (extent[2] - extent[0]) * (extent[3] - extent[1]);
    return near.reduce<Shape | null>((best, shape) => (best === null || size(shape) < size(best) ? shape : best), null);
  }

  /** True where a tile held more than it could give, and only the best are drawn. */
  isTruncated(extent: Extent, resolution: number): boolean {
    return (this.loaded?.within(extent, resolution) ?? []).some((feature) => feature.get("truncated") === true);
  }

  private style(feature: FeatureLike, resolution: number) {
    const label = feature.get("label") as string;
    const score = feature.get("score") as number;
    if (!passes(this.filter, score, label)) return undefined;
    const ordinal = feature.get("ordinal") as number;
    if (this.replaced.has(ordinal)) return undefined;
    const styles = shapeStyles(this.labels.indexOf(label));
    if (this.rejected.has(ordinal)) return styles.faded;
    const [x0 = 0, , x1 = 0] = feature.getGeometry()?.getExtent() ?? [];
    return (x1 - x0) / resolution > ROOM_FOR_TEXT ? styles.named(score.toFixed(2)) : styles.outline;
  }

  private styleOver(feature: FeatureLike) {
    const ordinal = feature.get("ordinal") as number;
    if ((ordinal !== this.selected && ordinal !== this.hovered) || this.replaced.has(ordinal)) return undefined;
    const label = feature.get("label") as string;
    if (!passes(this.filter, feature.get("score") as number, label)) return undefined;
    const styles = shapeStyles(this.labels.indexOf(label));
    return ordinal === this.selected ? styles.selected : styles.hover;
  }
}

function read(feature: FeatureLike): Shape | null {
  const extent = feature.getGeometry()?.getExtent();
  const ordinal = feature.get("ordinal") as unknown;
  if (!extent || typeof ordinal !== "number") return null;
  const area = feature.get("area") as unknown;
  return {
    ordinal,
    label: String(feature.get("label")),
    score: Number(feature.get("score")),
    area: typeof area === "number" ? area : null,
    extent: extent as Extent,
  };
}

function union(a: Extent, b: Extent): Extent {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}
