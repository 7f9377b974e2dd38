/** The map: one scene edge to edge, its detections, its annotations, the earth beneath. Drives OpenLayers; knows no React. */
import Map from "ol/Map";
import View from "ol/View";
import { defaults as interactions } from "ol/interaction/defaults";
import { buffer, createEmpty, extend, getCenter, isEmpty } from "ol/extent";
import type { Item } from "../api/client";
import type { Display, Place } from "../state/address";
import { Annotated } from "./annotated";
import { Basemap } from "./basemap";
import { finestZoom, fromPlace, isGeoreferenced, sceneExtent, toPlace, type Extent } from "./geometry";
import { makePicture, refreshPicture, showPicture } from "./picture";
import { Shapes } from "./shapes";
import { AnnotationLayer } from "../annotate/layer";

const WORLD: Extent = [-20037508.34, -20037508.34, 20037508.34, 20037508.34];
const MARGIN = [28, 28, 44, 28];

export class SceneMap {
  readonly map: Map;
  readonly shapes = new Shapes();
  readonly basemap = new Basemap();
  private readonly picture = makePicture();
  readonly judged = new AnnotationLayer();
  readonly annotated = new Annotated();
  private item: Item | null = null;

  /** With the view of another map, this one moves in step with it. */
  constructor(target: HTMLElement, view?: View) {
    this.map = new Map({
      target,
      controls: [],
      interactions: interactions(),
      layers: [this.basemap.layer, this.basemap.footprints, this.picture, this.annotated.layer, this.shapes.group, this.judged.layer],
      view: view ?? new View({ center: [0, 2e6], zoom: 2, minZoom: 0, maxZoom: 28, smoothResolutionConstraint: false }),
      maxTilesLoading: 24,
    });
    this.basemap.restyle();
  }

  get showsScene(): boolean {
    return this.item !== null;
  }

  get georeferenced(): boolean {
    return this.item?.scene ? isGeoreferenced(this.item.scene) : true;
  }

  get extent(): Extent {
    return this.item?.scene ? sceneExtent(this.item.scene) : WORLD;
  }

  /** Shows a scene, or the earth with the footprints of all where it is null. True where it is another than before. */
  show(item: Item | null, display: Display): boolean {
    const other = item?.id !== this.item?.id;
    this.item = item;
    showPicture(this.picture, item, this.extent, display);
    this.basemap.show(this.georeferenced);
    this.basemap.footprints.setVisible(item === null);
    if (!other) return false;
    this.annotated.show(item?.scene ? item.id : null, this.roomyExtent(), this.finest);
    return true;
  }

  private get finest(): number {
    return this.item?.scene ? finestZoom(this.item.scene) : 22;
  }

  showRun(run: string | null, count: number): void {
    this.shapes.show(run, count, this.roomyExtent(), this.finest);
  }

  /** The scene and a little around it: an outline at its edge is drawn whole. */
  private roomyExtent(): Extent {
    const extent = this.extent;
    return buffer(extent, (extent[2] - extent[0]) * 0.02) as Extent;
  }

  setOpacity(opacity: number): void {
    this.picture.setOpacity(opacity);
  }

  /** Asks for everything again that the map draws. */
  refresh(): void {
    refreshPicture(this.picture);
    this.shapes.refresh();
    this.annotated.refresh();
  }

  /** The whole scene; without one, all footprints, else the earth. */
  fit(animate = true): void {
    let extent = this.item ? this.extent : createEmpty();
    if (!this.item) extend(extent, this.basemap.footprints.getSource()?.getExtent() ?? createEmpty());
    if (isEmpty(extent)) extent = WORLD;
    this.map.updateSize();
    const aside = this.item ? 0 : Math.min(...(this.map.getSize() ?? [0])) * 0.25;
    const padding = MARGIN.map((margin) => margin + aside);
    this.map.getView().fit(extent, { padding, maxZoom: 26, ...(animate ? { duration: motion() } : {}) });
  }

  moveTo(place: Place): void {
    const view = this.map.getView();
    view.setCenter(fromPlace(place, this.georeferenced));
    view.setZoom(place.zoom);
    view.setRotation((place.turn * Math.PI) / 180);
  }

  /** Turns the map clockwise by degrees; by null, north comes up again. */
  turnBy(degrees: number | null): void {
    const view = this.map.getView();
    const now = view.getRotation();
    // Back to north on the shorter way.
    const upright = Math.round(now / (2 * Math.PI)) * 2 * Math.PI;
    view.animate({ rotation: degrees === null ? upright : now + (degrees * Math.PI) / 180, duration: motion() });
  }

  zoomBy(levels: number): void {
    const view = this.map.getView();
    view.animate({ zoom: (view.getZoom() ?? 0) + levels, duration: motion() });
  }

  /** The place of the count under the pointer: of detections, else of annotations. */
  countAt(x: number, y: number, resolution: number): [number, number] | null {
    return this.shapes.countAt(x, y, resolution) ?? this.annotated.countAt(x, y, resolution);
  }

  /** Towards what a count stands for. */
  zoomInto(centre: [number, number]): void {
    const view = this.map.getView();
    view.animate({ center: centre, zoom: (view.getZoom() ?? 0) + 2, duration: motion() });
  }

  /** Brings a shape into view, without zooming further than needed to see it. */
  reveal(extent: Extent): void {
    const view = this.map.getView();
    const shown = view.calculateExtent(this.map.getSize());
    const inside = extent[0] >= (shown[0] ?? 0) && extent[1] >= (shown[1] ?? 0) && extent[2] <= (shown[2] ?? 0) && extent[3] <= (shown[3] ?? 0);
    if (!inside) view.animate({ center: getCenter(extent), duration: motion() });
  }

  place(): Place | null {
    const view = this.map.getView();
    const centre = view.getCenter();
    const resolution = view.getResolution();
    if (!centre || !resolution) return null;
    return toPlace([centre[0] ?? 0, centre[1] ?? 0], resolution, view.getRotation(), this.georeferenced);
  }

  shown(): Extent {
    return this.map.getView().calculateExtent(this.map.getSize()) as Extent;
  }

  dispose(): void {
    this.map.setTarget(undefined);
    this.map.dispose();
  }
}

function motion(): number {
  return window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 140;
}
