/** Listens to the map: what is under the pointer, what is in view, what was clicked, where it went. */
import type MapBrowserEvent from "ol/MapBrowserEvent";
import { unByKey } from "ol/Observable";
import { drawing } from "../annotate/tool";
import { choose } from "../annotate/select";
import { adjust, getAddress, go, openScene } from "../state/navigation";
import { inView, lastSelected, liveView, otherMap } from "./live";
import type { SceneMap } from "./scene-map";

/** Tiles arrive in bursts, and a moving map is complete at every frame: the list of what is in view waits for the end. */
const SETTLED_MS = 80;

/** Starts listening; returns what stops it. */
export function watch(scene: SceneMap): () => void {
  const { map } = scene;
  const target = map.getTargetElement() as HTMLElement;
  let pointer: [number, number] | null = null;
  let beyond = false;
  let frame = 0;
  const soon = () => {
    if (frame === 0) frame = requestAnimationFrame(look);
  };
  const look = () => {
    frame = 0;
    const view = map.getView();
    const resolution = view.getResolution() ?? 1;
    const [cx = 0, cy = 0] = view.getCenter() ?? [];
    const [x, y] = pointer ?? [cx, cy];
    liveView.set({ x, y, resolution, rotation: view.getRotation() });
    const right = otherMap.get();
    const under = beyond && right ? right : scene;
    const hit = pointer && !view.getAnimating() ? under.shapes.at(x, y, resolution) : null;
    for (const side of [scene, right]) side?.shapes.setHovered(side === under ? (hit?.ordinal ?? null) : null);
    const counted = !hit && pointer && under.countAt(x, y, resolution);
    target.dataset.over = hit || counted ? "shape" : "";
  };
  const collect = () => {
    const extent = scene.shown();
    const resolution = map.getView().getResolution() ?? 1;
    const shapes = scene.shapes.within(extent, resolution);
    inView.set({ shapes, truncated: scene.shapes.isTruncated(extent, resolution), counted: scene.shapes.countedWithin(extent, resolution) });
    const selected = shapes.find((shape) => shape.ordinal === getAddress().selection);
    if (selected) lastSelected.set(selected);
    soon();
  };
  let waiting = 0;
  const whenSettled = () => {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(collect, SETTLED_MS);
  };
  scene.shapes.onArrive = whenSettled;
  const click = (event: MapBrowserEvent) => {
    if (drawing()) return;
    if (beyondDivider(event.pixel, target)) return;
    const [x = 0, y = 0] = event.coordinate;
    if (choose(scene.judged.at(x, y))) return;
    const resolution = map.getView().getResolution() ?? 1;
    const hit = scene.shapes.at(x, y, resolution);
    const count = hit ? null : scene.countAt(x, y, resolution);
    if (count) scene.zoomInto(count);
    else if (hit) go({ selection: hit.ordinal, annotation: null });
    else if (getAddress().scene === null) openFootprint(scene, event.pixel);
    else if (getAddress().selection !== null || getAddress().annotation !== null) go({ selection: null, annotation: null });
  };
  const keys = [
    map.on("pointermove", (event) => {
      pointer = event.coordinate as [number, number];
      beyond = beyondDivider(event.pixel, target);
      soon();
    }),
    map.on("click", click),
    map.on("moveend", () => {
      const place = scene.place();
      // Before the scene is there, the map stands anywhere: the place in the address must outlive that.
      if (place && scene.showsScene) adjust({ place });
      collect();
    }),
    map.on("rendercomplete", whenSettled),
    map.getView().on("change:resolution", soon),
    map.getView().on("change:rotation", soon),
  ];
  const leave = () => {
    pointer = null;
    soon();
  };
  target.addEventListener("pointerleave", leave);
  const back = followHistory(scene);
  return () => {
    unByKey(keys);
    back();
    window.clearTimeout(waiting);
    cancelAnimationFrame(frame);
  };
}

/** Whether a place on the screen belongs to the right side of a comparison, which lies over the map. */
function beyondDivider([x = 0]: number[], target: HTMLElement): boolean {
  const { compare, split } = getAddress();
  return compare === "swipe" && otherMap.get() !== null && x > split * target.clientWidth;
}

/** Of the right side, when it stands beside the map: where the pointer is, and what is under it. */
export function watchHover({ map, shapes }: SceneMap): () => void {
  const key = map.on("pointermove", (event) => {
    const [x = 0, y = 0] = event.coordinate;
    const resolution = map.getView().getResolution() ?? 1;
    liveView.set({ x, y, resolution, rotation: map.getView().getRotation() });
    shapes.setHovered(shapes.at(x, y, resolution)?.ordinal ?? null);
  });
  return () => unByKey(key);
}

/** Back and forward bring the place back too. */
function followHistory(scene: SceneMap): () => void {
  const move = () => {
    const { place } = getAddress();
    if (place) scene.moveTo(place);
  };
  window.addEventListener("popstate", move);
  return () => window.removeEventListener("popstate", move);
}

function openFootprint(scene: SceneMap, pixel: number[]): void {
  const [feature] = scene.map.getFeaturesAtPixel(pixel, { layerFilter: (layer) => layer === scene.basemap.footprints });
  const id = feature?.getId();
  if (typeof id === "string") openScene(id);
}
