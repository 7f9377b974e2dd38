/** What the map shows right now, for the parts of the page that are not the map. Written by map/MapView.tsx. */
import { createStore } from "../state/store";
import type { SceneMap } from "./scene-map";
import type { Shape } from "./shapes";

export interface LiveView {
  /** Under the pointer, else the middle of the map; map coordinates. */
  x: number;
  y: number;
  /** Map metres per screen pixel. */
  resolution: number;
  /** Radians clockwise; 0: north up. */
  rotation: number;
}

export interface InView {
  shapes: Shape[];
  truncated: boolean;
  /** How many more are in view as counts. */
  counted: number;
}

/** The selection as it was last seen: it keeps its attributes when the map moves on. */
export const lastSelected = createStore<Shape | null>(null);
export const sceneMap = createStore<SceneMap | null>(null);
/** The right side of a comparison. Written by compare/CompareView.tsx. */
export const otherMap = createStore<SceneMap | null>(null);
export const liveView = createStore<LiveView | null>(null);
export const inView = createStore<InView>({ shapes: [], truncated: false, counted: 0 });
export const opacity = createStore<number>(1);
