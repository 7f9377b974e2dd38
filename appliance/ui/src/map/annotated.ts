/** Vector tiles of what people and label files say is in a scene. Used by map/scene-map.ts.
 *
 * What people said on the page is drawn by annotate/layer.ts, unless it is asked for here too. */
import type { FeatureLike } from "ol/Feature";
import MVT from "ol/format/MVT";
import VectorTileLayer from "ol/layer/VectorTile";
import VectorTileSource from "ol/source/VectorTile";
import { Counted, around } from "./counted";
import { countsAbove, type Passing } from "./counts";
import type { Extent } from "./geometry";
import { LoadedTiles } from "./loaded";
import { ANNOTATION_COLOUR } from "./palette";
import { ANNOTATION_STYLE, FADED_STYLE, countStyle } from "./styles";

/** Nothing of what people say is filtered. */
const ALL: Passing = { threshold: 0, hidden: new Set() };

export class Annotated {
  readonly layer = new VectorTileLayer({ style: (feature) => this.style(feature), declutter: true, zIndex: 4, visible: false });
  private loaded: LoadedTiles | null = null;
  private readonly counted = new Counted();
  private everybody = false;
  private agreed: ReadonlySet<string> = new Set();

  /** Shows an item's annotations, within its extent; null: none. */
  show(item: string | null, extent: Extent, finest: number): void {
    this.layer.setExtent(extent);
    this.loaded = null;
    this.layer.setSource(null);
    if (item === null) return;
    const source = new VectorTileSource({
      format: new MVT(),
      // How many the scene has is not known here: a tile is judged by itself.
      tileUrlFunction: ([z = 0, x = 0, y = 0]) => `/api/items/${item}/annotations/tiles/${z}/${x}/${y}.mvt${this.query(countsAbove(z, 0, extent, finest))}`,
      maxZoom: finest,
      wrapX: false,
    });
    this.loaded = new LoadedTiles(source, () => undefined);
    this.layer.setSource(source);
  }

  /** With `everybody`, what people said on the page too. */
  setVisible(visible: boolean, everybody: boolean): void {
    if (everybody !== this.everybody) {
      this.everybody = everybody;
      this.refresh();
    }
    this.layer.setVisible(visible);
  }

  /** Those of these ids step back. */
  setAgreed(ids: ReadonlySet<string>): void {
    this.agreed = ids;
    this.layer.changed();
  }

  refresh(): void {
    this.layer.getSource()?.refresh();
  }

  /** The place of the count under the pointer. */
  countAt(x: number, y: number, resolution: number): [number, number] | null {
    if (!this.loaded || !this.layer.getVisible()) return null;
    return this.counted.at(this.loaded.within(around([x, y], resolution), resolution), [x, y], resolution, ALL);
  }

  private query(above: number | null): string {
    const asked = new URLSearchParams({ people: String(this.everybody) });
    if (above !== null) asked.set("counts_above", String(above));
    return `?${asked.toString()}`;
  }

  private style(feature: FeatureLike) {
    const count = this.counted.of(feature, ALL);
    if (count) return countStyle(count.total, ANNOTATION_COLOUR);
    return this.agreed.has(String(feature.get("id"))) ? FADED_STYLE : ANNOTATION_STYLE;
  }
}
