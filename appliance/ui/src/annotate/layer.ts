/** What people say is there, drawn over the scene and found under the pointer. Used by annotate/useAnnotations.ts. */
import Feature from "ol/Feature";
import { containsCoordinate, getArea } from "ol/extent";
import Polygon from "ol/geom/Polygon";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import { shapeStyles } from "../map/styles";
import { toMap } from "./place";
import type { Standing } from "./work";

export class AnnotationLayer {
  private readonly source = new VectorSource<Feature<Polygon>>({ wrapX: false });
  readonly layer = new VectorLayer({ source: this.source, zIndex: 7, style: (feature) => this.style(feature as Feature<Polygon>) });
  private labels: string[] = [];
  private selected: string | null = null;
  private edited: string | null = null;
  private readonly drawn = new Map<string, string>();

  /** Shows these and no others; shapes that are as they were are left alone. */
  show(standings: readonly Standing[], georeferenced: boolean): void {
    const wanted = new Map(standings.filter(({ stand }) => stand.verdict === "accepted" && stand.rings).map((each) => [each.id, each.stand]));
    for (const [id] of this.drawn) {
      if (wanted.has(id)) continue;
      const feature = this.source.getFeatureById(id);
      if (feature) this.source.removeFeature(feature);
      this.drawn.delete(id);
    }
    for (const [id, stand] of wanted) {
      const print = JSON.stringify([stand.label, stand.rings]);
      if (this.drawn.get(id) === print) continue;
      this.drawn.set(id, print);
      this.put(id, toMap(stand.rings ?? [], georeferenced), stand.label ?? "");
    }
  }

  setSelected(id: string | null, labels: string[]): void {
    this.selected = id;
    this.labels = labels;
    this.layer.changed();
  }

  /** The one under the hand is drawn by the tool. */
  setEdited(id: string | null): void {
    this.edited = id;
    this.layer.changed();
  }

  /** The smallest one at a place. */
  at(x: number, y: number): string | null {
    const hits = this.source.getFeaturesAtCoordinate([x, y]).filter((each) => containsCoordinate(each.getGeometry()?.getExtent() ?? [], [x, y]));
    const size = (each: Feature<Polygon>) => getArea(each.getGeometry()?.getExtent() ?? [0, 0, 0, 0]);
    const [best] = hits.sort((a, b) => size(a) - size(b));
    return (best?.getId() as string | undefined) ?? null;
  }

  private put(id: string, rings: number[][][], label: string): void {
    const known = this.source.getFeatureById(id);
    const feature = known ?? new Feature<Polygon>();
    feature.setGeometry(new Polygon(rings));
    feature.set("label", label);
    if (known) return;
    feature.setId(id);
    this.source.addFeature(feature);
  }

  private style(feature: Feature<Polygon>) {
    if (feature.getId() === this.edited) return undefined;
    const styles = shapeStyles(this.labels.indexOf(String(feature.get("label"))));
    return feature.getId() === this.selected ? styles.selected : styles.accepted;
  }
}
