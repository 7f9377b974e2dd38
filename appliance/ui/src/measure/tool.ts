/** The line under the hand while something is measured. Drives OpenLayers; knows no React. */
import Feature from "ol/Feature";
import type OlMap from "ol/Map";
import LineString from "ol/geom/LineString";
import Draw from "ol/interaction/Draw";
import VectorLayer from "ol/layer/Vector";
import VectorSource from "ol/source/Vector";
import type { StyleFunction } from "ol/style/Style";
import { closingStyle, measureStyle } from "../map/styles";

/** Lets lines be drawn, one after the other; `hear` is told the points as they are, the last under the pointer. */
export function drawMeasure(map: OlMap, hear: (points: number[][]) => void): () => void {
  const source = new VectorSource<Feature<LineString>>({ wrapX: false });
  const style: StyleFunction = (feature) => {
    const line = feature.getGeometry();
    if (!(line instanceof LineString)) return measureStyle();
    const points = line.getCoordinates();
    const [first, last] = [points[0], points.at(-1)];
    return points.length > 2 && first && last ? [...measureStyle(), closingStyle(new LineString([last, first]))] : measureStyle();
  };
  const layer = new VectorLayer({ source, style, zIndex: 10 });
  const hand = new Draw({ type: "LineString", source, style, stopClick: true });
  hand.on("drawstart", (event) => {
    source.clear();
    const line = event.feature.getGeometry() as LineString;
    line.on("change", () => hear(line.getCoordinates()));
  });
  const element = map.getTargetElement() as HTMLElement;
  element.dataset.tool = "measure";
  map.addLayer(layer);
  map.addInteraction(hand);
  return () => {
    delete element.dataset.tool;
    map.removeInteraction(hand);
    map.removeLayer(layer);
    hear([]);
  };
}
