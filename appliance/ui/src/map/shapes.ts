/** Vector tiles of one run, filtered in the browser, with hover and selection drawn over them. Used by map/scene-map.ts. */
import type { FeatureLike } from "ol/Feature";
import MVT from "ol/format/MVT";
import LayerGroup from "ol/layer/Group";
import VectorTileLayer from "ol/layer/VectorTile";
import VectorTileSource from "ol/source/VectorTile";
import { ANY, measuresOf, passes, type Filter, type Measured } from "../detections/filter";
import { shortLabel } from "../detections/labels";
import { Counted, around } from "./counted";
import { countsAbove } from "./counts";
import type { Extent } from "./geometry";
import { LoadedTiles } from "./loaded";
import { classColour } from "./palette";
import { countStyle, shapeStyles } from "./styles";

/** A detection as the map knows it: in map coordinates, possibly cut at a tile's edge when it is not all in view. */
export interface Shape {
  ordinal: number;
  label: string;
  score: number;
  /** The longer side in pixels of the scene. */
  size: number | null;
  area: number | null;
  extent: Extent;
}

/** On the screen a shape must be this wide, in pixels, for its score to have room; and wider by its name's letters. */
const ROOM_FOR_SCORE = 46;
const LETTER_PX = 8;
const TOLERANCE_PX = 3;
const ASK_AGAIN_MS = 400;

/** Up to this many detections every frame draws them afresh, crisp at any zoom; more are drawn once per tile. */
const CRISP_UP_TO = 6000;

export class Shapes {
  /** Called when more shapes have arrived. */
  onArrive: () => void = () => undefined;
  readonly group = new LayerGroup({ zIndex: 5 });
  private layer: VectorTileLayer | null = null;
  private over: VectorTileLayer | null = null;
  private loaded: LoadedTiles | null = null;
  private filter: Filter = { threshold: 0, hidden: new Set(), size: ANY, area: ANY };
  private shown: Parameters<Shapes["show"]> = [null, 0, [0, 0, 0, 0], 0];
  private readonly counted = new Counted();
  private waiting = 0;
  private labels: string[] = [];
  private hovered: number | null = null;
  private selected: number | null = null;
  private rejected: ReadonlySet<number> = new Set();
  private replaced: ReadonlySet<number> = new Set();
  private agreed: ReadonlySet<number> = new Set();

  /** Shows the run's detections; `count` is how many it has. */
  show(run: string | null, count: number, extent: Extent, finest: number): void {
    this.group.getLayers().clear();
    this.layer = this.over = this.loaded = null;
    this.hovered = null;
    this.shown = [run, count, extent, finest];
    if (run === null) return;
    const { filter } = this;
    const source = new VectorTileSource({
      format: new MVT(),
      tileUrlFunction: ([z = 0, x = 0, y = 0]) => `/api/runs/${run}/tiles/${z}/${x}/${y}.mvt${query(countsAbove(z, count, extent, finest), filter)}`,
      maxZoom: finest,
      wrapX: false,
    });
    this.loaded = new LoadedTiles(source, () => this.onArrive());
    const renderMode = count <= CRISP_UP_TO ? "vector" : "hybrid";
    // Names that would overlap give way to each other; counts never do (map/styles.ts).
    this.layer = new VectorTileLayer({ source, extent, renderMode, declutter: true, style: (feature, resolution) => this.style(feature, resolution), zIndex: 5 });
    this.over = new VectorTileLayer({ source, extent, renderMode: "vector", style: (feature) => this.styleOver(feature), zIndex: 6 });
    this.group.getLayers().extend([this.layer, this.over]);
  }

  refresh(): void {
    this.show(...this.shown);
  }

  setVisible(visible: boolean): void {
    this.group.setVisible(visible);
  }

  setFilter(filter: Filter, labels: string[]): void {
    const measures = JSON.stringify(measuresOf(this.filter)) !== JSON.stringify(measuresOf(filter));
    this.filter = filter;
    if (measures) this.askAgain();
    this.labels = labels;
    this.layer?.changed();
    this.over?.changed();
  }

  /** Counts know no sizes: the appliance counts anew, once the hand rests. Shapes are filtered here, at once. */
  private askAgain(): void {
    window.clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => {
      if (this.loaded?.some((feature) => feature.get("layer") === "counts")) this.show(...this.shown);
    }, ASK_AGAIN_MS);
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

  /** The same ones are on the other side of a comparison: they fade. */
  setAgreed(ordinals: ReadonlySet<number>): void {
    this.agreed = ordinals;
    this.layer?.changed();
  }

  /** The shapes shown that touch an extent, each once, best first. */
  within(extent: Extent, resolution: number): Shape[] {
    if (!this.loaded || !this.group.getVisible()) return [];
    const found = new Map<number, Shape>();
    for (const feature of this.loaded.within(extent, resolution)) {
      const shape = read(feature);
      if (!shape || !passes(this.filter, shape)) continue;
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

  /** How many in an extent are shown as counts. */
  countedWithin(extent: Extent, resolution: number): number {
    if (!this.group.getVisible()) return 0;
    const found = this.loaded?.within(extent, resolution) ?? [];
    return found.reduce((sum, feature) => sum + (this.counted.of(feature, this.filter)?.total ?? 0), 0);
  }

  /** The place of the count under the pointer. */
  countAt(x: number, y: number, resolution: number): [number, number] | null {
    const near = this.loaded?.within(around([x, y], resolution), resolution) ?? [];
    return this.counted.at(near, [x, y], resolution, this.filter);
  }

  /** True where a tile held more than it could give, and only the best are drawn. */
  isTruncated(extent: Extent, resolution: number): boolean {
    return (this.loaded?.within(extent, resolution) ?? []).some((feature) => feature.get("truncated") === true);
  }

  private style(feature: FeatureLike, resolution: number) {
    const count = this.counted.of(feature, this.filter);
    if (count) return count.total > 0 ? countStyle(count.total, classColour(this.labels.indexOf(count.label))) : undefined;
    const measured = measuredOf(feature);
    if (!passes(this.filter, measured)) return undefined;
    const { label, score } = measured;
    const ordinal = feature.get("ordinal") as number;
    if (this.replaced.has(ordinal)) return undefined;
    const styles = shapeStyles(this.labels.indexOf(label));
    if (this.rejected.has(ordinal) || this.agreed.has(ordinal)) return styles.faded;
    const [x0 = 0, , x1 = 0] = feature.getGeometry()?.getExtent() ?? [];
    const wide = (x1 - x0) / resolution;
    if (wide < ROOM_FOR_SCORE) return styles.outline;
    const name = shortLabel(label);
    return styles.named(wide < ROOM_FOR_SCORE + name.length * LETTER_PX ? score.toFixed(2) : `${name} ${score.toFixed(2)}`);
  }

  private styleOver(feature: FeatureLike) {
    const ordinal = feature.get("ordinal") as number;
    if ((ordinal !== this.selected && ordinal !== this.hovered) || this.replaced.has(ordinal)) return undefined;
    const measured = measuredOf(feature);
    if (!passes(this.filter, measured)) return undefined;
    const styles = shapeStyles(this.labels.indexOf(measured.label));
    return ordinal === this.selected ? styles.selected : styles.hover;
  }
}

function query(above: number | null, filter: Filter): string {
  if (above === null) return "";
  const asked = new URLSearchParams({ counts_above: String(above) });
  for (const [name, value] of Object.entries(measuresOf(filter))) if (value !== undefined) asked.set(name, String(value));
  return `?${asked.toString()}`;
}

function read(feature: FeatureLike): Shape | null {
  const extent = feature.getGeometry()?.getExtent();
  const ordinal = feature.get("ordinal") as unknown;
  if (!extent || typeof ordinal !== "number") return null;
  return { ...measuredOf(feature), ordinal, extent: extent as Extent };
}

function measuredOf(feature: FeatureLike): Measured {
  const number = (name: string) => {
    const value = feature.get(name) as unknown;
    return typeof value === "number" ? value : null;
  };
  return { label: String(feature.get("label")), score: number("score") ?? 0, size: number("size"), area: number("area") };
}

function union(a: Extent, b: Extent): Extent {
  return [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])];
}
