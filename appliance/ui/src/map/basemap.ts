/** Land and borders of the whole earth, drawn quietly, from a file of ours: Natural Earth 1:50m by npm `world-atlas`. */
import Feature from "ol/Feature";
import GeoJSON from "ol/format/GeoJSON";
import Polygon from "ol/geom/Polygon";
import VectorLayer from "ol/layer/Vector";
import { fromExtent } from "ol/geom/Polygon";
import VectorSource from "ol/source/Vector";
import type { FeatureCollection, Geometry } from "geojson";
import type { Topology } from "topojson-specification";
import { feature } from "topojson-client";
import countries from "world-atlas/countries-50m.json?url";
import type { Extent } from "./geometry";
import { quietStyles } from "./styles";
import { unwrap } from "./unwrap";

/** Map metres per pixel. Closer in, a coast of 1:50 million is off by more than the screen is wide, and costs a fifth of each frame. */
const CLOSEST = 30;
const AGAIN_MS = 10_000;

/** A layer that fetches its file when it is first drawn. */
export class Basemap {
  readonly layer = new VectorLayer({
    source: landSource(),
    zIndex: 0,
    visible: false,
    minResolution: CLOSEST,
  });
  readonly footprints = new VectorLayer({ source: new VectorSource<Feature<Polygon>>(), zIndex: 1 });

  show(visible: boolean): void {
    this.layer.setVisible(visible);
  }

  /** Outlines of scenes, to be found from afar and clicked; each feature's id is the item's. */
  setFootprints(scenes: { id: string; extent: Extent }[]): void {
    const features = scenes.map(({ id, extent }) => {
      const outline = new Feature(fromExtent(extent));
      outline.setId(id);
      return outline;
    });
    const source = this.footprints.getSource();
    source?.clear();
    source?.addFeatures(features);
  }

  /** Takes the theme's colours again. */
  restyle(): void {
    const styles = quietStyles();
    this.layer.setStyle(styles.land);
    this.footprints.setStyle(styles.footprint);
  }
}

function landSource(): VectorSource {
  const source = new VectorSource({ wrapX: true, loader: loadLand });
  // Without the basemap the scene is still all there; it is asked for again while it is missed.
  source.on("featuresloaderror", () => window.setTimeout(() => source.refresh(), AGAIN_MS));
  return source;
}

async function loadLand(): Promise<Feature[]> {
  const answer = await fetch(countries);
  const topology = (await answer.json()) as Topology;
  const object = topology.objects.countries;
  if (!object) return [];
  const collection = feature(topology, object) as FeatureCollection;
  const flat = collection.features.map((each) => ({ ...each, geometry: flatten(each.geometry) }));
  return new GeoJSON().readFeatures({ ...collection, features: flat }, { featureProjection: "EPSG:3857" });
}

function flatten(geometry: Geometry): Geometry {
  if (geometry.type === "Polygon") return { ...geometry, coordinates: geometry.coordinates.map(unwrap) };
  if (geometry.type === "MultiPolygon") return { ...geometry, coordinates: geometry.coordinates.map((rings) => rings.map(unwrap)) };
  return geometry;
}
