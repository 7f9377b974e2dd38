/** The right side of a comparison: a second map in step with the first, beneath a divider or beside it. */
import { unByKey } from "ol/Observable";
import { useEffect, useRef } from "react";
import { annotationListeners } from "../api/events";
import { otherMap, sceneMap } from "../map/live";
import { SceneMap } from "../map/scene-map";
import { watchHover } from "../map/watch";
import { useAddress } from "../state/navigation";
import { theme } from "../state/preferences";
import { useStore } from "../state/store";
import { CompareBar } from "./CompareBar";
import { Divider } from "./Divider";
import { useComparison, type Comparison } from "./useComparison";

export function CompareView() {
  const comparison = useComparison();
  const main = useStore(sceneMap);
  if (!comparison || !main) return null;
  return (
    <>
      <RightMap main={main} comparison={comparison} />
      <CompareBar comparison={comparison} />
      {comparison.mode === "swipe" ? <Divider /> : null}
    </>
  );
}

function RightMap({ main, comparison }: { main: SceneMap; comparison: Comparison }) {
  const target = useRef<HTMLDivElement>(null);
  const { split } = useAddress();
  const map = useStore(otherMap);
  useEffect(() => {
    const place = target.current;
    if (!place) return;
    let stop = (): void => undefined;
    const make = () => {
      const made = new SceneMap(place, main.map.getView());
      const stopWatching = watchHover(made);
      otherMap.set(made);
      stop = () => {
        stopWatching();
        otherMap.set(null);
        made.dispose();
      };
    };
    // A map that joins a moving view stops it where it is.
    const waiting = main.map.getView().getAnimating() ? main.map.once("moveend", make) : null;
    if (!waiting) make();
    return () => {
      if (waiting) unByKey(waiting);
      stop();
    };
  }, [main]);
  useShown(map, comparison);
  const { mode, right } = comparison;
  const clip = mode === "swipe" ? { clipPath: `inset(0 0 0 ${(split * 100).toFixed(3)}%)` } : undefined;
  return <div ref={target} className="compare-map" style={clip} role="img" aria-label={`Right side: ${right.title}`} data-testid="right-side" />;
}

function useShown(map: SceneMap | null, { right, filter, labels }: Comparison): void {
  const { bands, rescale, detections, scene } = useAddress();
  const chosen = useStore(theme);
  const { item, run, kind } = right;
  // Bands and stretch were chosen for the scene on the left: another one keeps its own.
  const same = item.id === scene;
  useEffect(() => void map?.show(item, same ? { bands, rescale } : { bands: null, rescale: null }), [map, item, same, bands, rescale]);
  const drawn = run?.state === "succeeded" ? run.id : null;
  const found = run?.summary?.detections ?? 0;
  const finished = run?.finished_at ?? null;
  useEffect(() => map?.showRun(drawn, found), [map, drawn, found, finished, item.id]);
  useEffect(() => map?.shapes.setFilter(filter, labels), [map, filter, labels, drawn]);
  useEffect(() => map?.shapes.setVisible(detections), [map, detections]);
  useEffect(() => map?.annotated.setVisible(kind === "annotations", true), [map, kind]);
  useEffect(() => map?.basemap.restyle(), [map, chosen]);
  useEffect(() => {
    const hear = (where: string) => {
      if (where === item.id) map?.annotated.refresh();
    };
    annotationListeners.add(hear);
    return () => void annotationListeners.delete(hear);
  }, [map, item.id]);
}
