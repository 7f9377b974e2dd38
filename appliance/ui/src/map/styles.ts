/** How shapes look: a thin outline in the class's colour on a dark halo, so that snow and sea both leave it readable. */
import LineString from "ol/geom/LineString";
import MultiPoint from "ol/geom/MultiPoint";
import type Point from "ol/geom/Point";
import Circle from "ol/style/Circle";
import Fill from "ol/style/Fill";
import Stroke from "ol/style/Stroke";
import Style from "ol/style/Style";
import Text from "ol/style/Text";
import { radiusOf, short } from "./counts";
import { ANNOTATION_COLOUR, classColour, translucent } from "./palette";

const FONT = '600 11px system-ui, "Segoe UI", sans-serif';
const HALO = "rgba(8, 11, 13, 0.7)";

export interface ShapeStyles {
  outline: Style[];
  hover: Style[];
  selected: Style[];
  /** What a person says is there: a full line, and a faint fill that tells it from a detection. */
  accepted: Style[];
  /** A detection that a person has rejected. */
  faded: Style[];
  /** The outline with text inside, for shapes large enough on the screen. */
  named(text: string): Style[];
}

const made = new Map<number, ShapeStyles>();

/** What steps back: rejected, or the same on both sides. */
export const FADED_STYLE = [new Style({ stroke: new Stroke({ color: "rgba(160, 170, 176, 0.45)", width: 1, lineDash: [2, 4] }), zIndex: 1 })];

/** Styles of one class, made once: the same objects for every shape, which is what keeps many shapes fast. */
export function shapeStyles(index: number): ShapeStyles {
  const known = made.get(index);
  if (known) return known;
  const colour = classColour(index);
  const outline = stroke(colour, 1.4, 3.4);
  const texts = new Map<string, Style[]>();
  const styles: ShapeStyles = {
    outline,
    hover: stroke(colour, 2.6, 5.4),
    selected: [...stroke(colour, 2.6, 6), new Style({ fill: new Fill({ color: translucent(colour, 0.28) }), zIndex: 3 })],
    accepted: [...stroke(colour, 2.2, 4.6), new Style({ fill: new Fill({ color: translucent(colour, 0.12) }), zIndex: 3 })],
    faded: FADED_STYLE,
    named(text) {
      const before = texts.get(text);
      if (before) return before;
      const style = [...outline, new Style({ text: label(text, colour), zIndex: 4 })];
      texts.set(text, style);
      return style;
    },
  };
  made.set(index, styles);
  return styles;
}

/** A count: a dark disc that is readable on snow and sea, ringed in the colour of most of what it counts. */
export function countStyle(total: number, colour: string): Style {
  const key = `${total} ${colour}`;
  const known = discs.get(key);
  if (known) return known;
  const ring = new Stroke({ color: colour, width: 2 });
  const disc = new Circle({ radius: radiusOf(total), fill: new Fill({ color: "rgba(8, 11, 13, 0.78)" }), stroke: ring, declutterMode: "none" });
  const text = new Text({ text: short(total), font: FONT, declutterMode: "none", fill: new Fill({ color: "#ffffff" }) });
  const style = new Style({ image: disc, text, zIndex: 4 });
  if (discs.size > MOST_DISCS) discs.clear();
  discs.set(key, style);
  return style;
}

const discs = new Map<string, Style>();
const MOST_DISCS = 5000;

// Halos lie below all outlines: a shape never darkens its neighbour, and equal styles are drawn in one go.
function stroke(colour: string, width: number, halo: number): Style[] {
  return [
    new Style({ stroke: new Stroke({ color: HALO, width: halo }), zIndex: 1 }),
    new Style({ stroke: new Stroke({ color: colour, width }), zIndex: 2 }),
  ];
}

function label(text: string, colour: string): Text {
  return new Text({
    text,
    font: FONT,
    fill: new Fill({ color: colour }),
    stroke: new Stroke({ color: "rgba(8, 11, 13, 0.85)", width: 3 }),
  });
}

export const ANNOTATION_STYLE: Style[] = [
  new Style({ stroke: new Stroke({ color: HALO, width: 3 }), zIndex: 1 }),
  new Style({ stroke: new Stroke({ color: ANNOTATION_COLOUR, width: 1.2, lineDash: [4, 3] }), zIndex: 2 }),
];

/** The shape under the hand, and its corners; with `corners`, these alone: the shape itself is drawn already. */
export function editStyles(corners = false): Style[] {
  const fill = new Fill({ color: ANNOTATION_COLOUR });
  const handle = new Circle({ radius: corners ? 3.5 : 5, fill, stroke: new Stroke({ color: HALO, width: 2 }) });
  if (corners) return [...stroke(ANNOTATION_COLOUR, 1, 2.5), new Style({ image: handle, zIndex: 5 })];
  return [...stroke(ANNOTATION_COLOUR, 2, 5), new Style({ fill: new Fill({ color: "rgba(255, 255, 255, 0.08)" }), image: handle, zIndex: 5 })];
}

/** A measured line and its points. */
export function measureStyle(): Style[] {
  const dot = new Circle({ radius: 3.5, fill: new Fill({ color: ANNOTATION_COLOUR }), stroke: new Stroke({ color: HALO, width: 2 }) });
  const points = (feature: unknown) => {
    const line = (feature as { getGeometry: () => unknown }).getGeometry();
    return line instanceof LineString ? new MultiPoint(line.getCoordinates()) : (line as Point);
  };
  return [...stroke(ANNOTATION_COLOUR, 2, 5), new Style({ image: dot, geometry: points, zIndex: 5 })];
}

/** From the last point back to the first: what the line encloses. */
export function closingStyle(line: LineString): Style {
  return new Style({ geometry: line, stroke: new Stroke({ color: "rgba(255, 255, 255, 0.6)", width: 1.2, lineDash: [3, 5] }), zIndex: 2 });
}

/** Land and borders of the offline basemap, and the footprints of scenes on it, read from the theme's tokens. */
export function quietStyles(): { land: Style; footprint: Style; chosen: Style } {
  const tokens = getComputedStyle(document.documentElement);
  const token = (name: string) => tokens.getPropertyValue(name).trim() || "#808080";
  return {
    land: new Style({
      fill: new Fill({ color: token("--map-land") }),
      stroke: new Stroke({ color: token("--map-border"), width: 0.75 }),
    }),
    footprint: new Style({
      stroke: new Stroke({ color: token("--accent"), width: 1.5 }),
      fill: new Fill({ color: token("--accent-faint") }),
    }),
    chosen: new Style({ stroke: new Stroke({ color: token("--map-border"), width: 1 }) }),
  };
}
