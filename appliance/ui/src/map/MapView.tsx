/** The map in the page: ties the address, the data and OpenLayers together. */
import { useEffect, useRef } from "react";
import { live } from "../api/events";
import { useItems } from "../api/queries";
import { useAddress } from "../state/navigation";
import { useStore } from "../state/store";
import { theme } from "../state/preferences";
import { useWorkspace } from "../state/workspace";
import { sceneExtent } from "./geometry";
import { lastSelected, opacity, sceneMap } from "./live";
import { SceneMap } from "./scene-map";
import { watch } from "./watch";

export function MapView() {
  const target = useRef<HTMLDivElement>(null);
  const map = useStore(sceneMap);
  useEffect(() => {
    if (!target.current) return;
    const made = new SceneMap(target.current);
    const stop = watch(made);
    sceneMap.set(made);
    return () => {
      stop();
      sceneMap.set(null);
      made.dispose();
    };
  }, []);
  useScene(map);
  useLayers(map);
  return (
    <div
      ref={target}
      className="map"
      tabIndex={0}
      role="application"
      aria-label="Map of the scene. Arrow keys move, plus and minus zoom, full stop and comma step through detections."
    />
  );
}

function useScene(map: SceneMap | null): void {
  const { items, item, run, drawable } = useWorkspace();
  const { dataset, scene, bands, rescale, place } = useAddress();
  // Until it is known whether the scene is there, the map does not go to the earth in its place.
  const coming = useItems(dataset).isPending && scene !== null;
  const shown = item?.state === "ready" ? item : null;
  const drawn = shown && drawable && run ? run.id : null;
  // The place is read when a scene comes up and written when the map moves: it must not move the map by itself.
  const wanted = useRef(place);
  useEffect(() => {
    wanted.current = place;
  }, [place]);
  useEffect(() => {
    const located = items.filter((each) => each.scene?.crs && each.scene.bbox);
    map?.basemap.setFootprints(located.flatMap((each) => (each.scene ? [{ id: each.id, extent: sceneExtent(each.scene) }] : [])));
    if (!shown && !wanted.current) map?.fit(false);
  }, [map, items, shown]);
  useEffect(() => {
    if (coming || !map?.show(shown, { bands, rescale })) return;
    if (wanted.current) map.moveTo(wanted.current);
    else map.fit(false);
  }, [map, coming, shown, bands, rescale]);
  const finished = run?.finished_at ?? null;
  const found = run?.summary?.detections ?? 0;
  useEffect(() => {
    lastSelected.set(null);
    map?.showRun(drawn, found);
  }, [map, drawn, found, shown?.id, finished]);
}

function useLayers(map: SceneMap | null): void {
  const { filter, labels } = useWorkspace();
  const { annotations, detections, selection } = useAddress();
  const seen = useStore(opacity);
  const chosen = useStore(theme);
  useEffect(() => map?.shapes.setFilter(filter, labels), [map, filter, labels]);
  useEffect(() => map?.shapes.setVisible(detections), [map, detections]);
  useEffect(() => map?.shapes.setSelected(selection), [map, selection]);
  useEffect(() => map?.annotated.setVisible(annotations, false), [map, annotations]);
  useEffect(() => map?.setOpacity(seen), [map, seen]);
  const connected = useStore(live);
  const cut = useRef(false);
  useEffect(() => {
    // Tiles that failed while the line was cut, or the session had ended, are asked for again.
    if (connected && cut.current) map?.refresh();
    cut.current = !connected;
  }, [map, connected]);
  useEffect(() => {
    map?.basemap.restyle();
    const system = window.matchMedia("(prefers-color-scheme: light)");
    const restyle = () => map?.basemap.restyle();
    system.addEventListener("change", restyle);
    return () => system.removeEventListener("change", restyle);
  }, [map, chosen]);
}
