/** The pointer at work: a box by its corners, a polygon by its vertices, either moved whole, or drawn anew. Drives OpenLayers. */
import Collection from "ol/Collection";
import Feature from "ol/Feature";
import type OlMap from "ol/Map";
import MultiPoint from "ol/geom/MultiPoint";
import Polygon from "ol/geom/Polygon";
import { never } from "ol/events/condition";
import Draw from "ol/interaction/Draw";
import type Interaction from "ol/interaction/Interaction";
import Modify from "ol/interaction/Modify";
import PointerInteraction from "ol/interaction/Pointer";
import Translate from "ol/interaction/Translate";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import { editStyles } from "../map/styles";
import { boxBetween, cornerAt, dragCorner, move, type Point } from "./boxes";
import type { ShapeKind } from "./model";

const REACH_PX = 12;

export type Rings = number[][][];

/** Lets a shape be edited until the result is called; `done` hears of each drag that has ended.
 * With `corners` only those are caught: the map is still dragged everywhere else. */
export function edit(map: OlMap, kind: ShapeKind, rings: Rings, done: (rings: Rings) => void, corners = false): () => void {
  const feature = new Feature(new Polygon(rings));
  const handles = new Feature(new MultiPoint(rings[0]?.slice(0, -1) ?? []));
  feature.getGeometry()?.on("change", () => handles.setGeometry(new MultiPoint(now()[0]?.slice(0, -1) ?? [])));
  const now = (): Rings => feature.getGeometry()?.getCoordinates() ?? [];
  const layer = new VectorLayer({ source: new VectorSource({ features: [feature, handles] }), zIndex: 9, style: editStyles(corners) });
  const hear = () => done(now());
  const hands = kind === "polygon" ? polygonHands(feature, hear, corners) : [boxHand(feature, hear, corners)];
  return add(map, layer, hands);
}

/** Lets one box or polygon be drawn. */
export function draw(map: OlMap, kind: "box" | "polygon", axes: readonly [Point, Point], done: (rings: Rings) => void): () => void {
  const style = editStyles();
  const hand =
    kind === "polygon"
      ? new Draw({ type: "Polygon", style })
      : new Draw({
          type: "Circle",
          style,
          geometryFunction: (coordinates, geometry) => {
            const [start = [0, 0], end = [0, 0]] = coordinates as number[][];
            const shape = (geometry as Polygon | undefined) ?? new Polygon([]);
            shape.setCoordinates([closed(boxBetween(start as Point, end as Point, axes))]);
            return shape;
          },
        });
  hand.on("drawend", (event) => done((event.feature.getGeometry() as Polygon).getCoordinates()));
  return add(map, null, [hand]);
}

function add(map: OlMap, layer: VectorLayer | null, hands: Interaction[]): () => void {
  if (layer) map.addLayer(layer);
  for (const hand of hands) map.addInteraction(hand);
  return () => {
    for (const hand of hands) map.removeInteraction(hand);
    if (layer) map.removeLayer(layer);
  };
}

function polygonHands(feature: Feature<Polygon>, done: () => void, corners: boolean): Interaction[] {
  const features = new Collection([feature]);
  if (corners) {
    const vertices = new Modify({ features, pixelTolerance: REACH_PX, insertVertexCondition: never });
    vertices.on("modifyend", done);
    return [vertices];
  }
  const translate = new Translate({ features });
  const modify = new Modify({ features, pixelTolerance: REACH_PX });
  translate.on("translateend", done);
  modify.on("modifyend", done);
  // The last one added is asked first: a vertex before the whole.
  return [translate, modify];
}

function boxHand(feature: Feature<Polygon>, done: () => void, only: boolean): Interaction {
  let corner = -1;
  let last: Point = [0, 0];
  const corners = () => (feature.getGeometry()?.getCoordinates()[0]?.slice(0, 4) ?? []) as Point[];
  return new PointerInteraction({
    handleDownEvent: (event) => {
      last = event.coordinate as Point;
      corner = cornerAt(corners(), last, REACH_PX * (event.map.getView().getResolution() ?? 1));
      return corner >= 0 || (!only && feature.getGeometry()?.intersectsCoordinate(last) === true);
    },
    handleDragEvent: (event) => {
      const to = event.coordinate as Point;
      const next = corner >= 0 ? dragCorner(corners(), corner, to) : move(corners(), [to[0] - last[0], to[1] - last[1]]);
      last = to;
      feature.getGeometry()?.setCoordinates([closed(next)]);
    },
    handleUpEvent: () => {
      done();
      return false;
    },
  });
}

function closed(corners: Point[]): Point[] {
  return corners[0] ? [...corners, corners[0]] : [];
}
