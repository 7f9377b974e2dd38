/** Ties the annotations to the page: asks and hears of them, shows them on the map, puts the tools into the hand. */
import { useEffect, useMemo } from "react";
import { client, unwrap } from "../api/client";
import { annotationListeners } from "../api/events";
import { useSaid } from "../api/queries";
import { sceneMap } from "../map/live";
import type { SceneMap } from "../map/scene-map";
import { getAddress, useAddress } from "../state/navigation";
import { fail } from "../state/notices";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { drawn, reshape, round, shapeOf } from "./acts";
import { axes } from "./boxes";
import type { Stand } from "./model";
import { scope, target, verdicts } from "./select";
import { startSending } from "./sender";
import { tool } from "./tool";
import { draw, edit } from "./tools";
import { all, known, learn, learnAll, queue } from "./work";

export function useAnnotations(person: string): void {
  useEffect(() => startSending(person), [person]);
  useScope();
  useHearing();
  useShowing();
  useTools();
}

function useScope(): void {
  const { item, run, drawable, labels } = useWorkspace();
  const open = item?.state === "ready" ? item.id : null;
  const drawn = drawable && run ? run.id : null;
  useEffect(() => scope.set(open === null ? null : { item: open, run: drawn, labels }), [open, drawn, labels]);
}

function useHearing(): void {
  const item = useStore(scope)?.item ?? null;
  const said = useSaid(item).data;
  useEffect(() => {
    if (item !== null && said) learnAll(item, said);
  }, [item, said]);
  useEffect(() => {
    const hear = (where: string, annotation: string) => {
      if (where !== item) return;
      const path = { item_id: where, annotation_id: annotation };
      unwrap(client.GET("/api/items/{item_id}/annotations/{annotation_id}", { params: { path } }))
        .then((one) => learn([one]))
        .catch(() => undefined);
      if (getAddress().annotations) sceneMap.get()?.annotated.refresh();
    };
    annotationListeners.add(hear);
    return () => void annotationListeners.delete(hear);
  }, [item]);
}

function useShowing(): void {
  const open = useStore(scope);
  const map = useStore(sceneMap);
  const said = useStore(known);
  const waiting = useStore(queue);
  const { selection, annotation } = useAddress();
  const standings = useMemo(() => (open ? all(open.item, said, waiting) : []), [open, said, waiting]);
  useEffect(() => {
    const own = standings.filter(({ stand }) => stand.origin !== null && stand.origin.run_id === open?.run);
    const ordinals = (wanted: (stand: Stand) => boolean) => new Set(own.filter(({ stand }) => wanted(stand)).map(({ stand }) => stand.origin?.ordinal ?? -1));
    verdicts.set(new Map(own.map(({ stand }) => [stand.origin?.ordinal ?? -1, stand.verdict])));
    map?.judged.show(standings, map.georeferenced);
    map?.shapes.setJudged(
      ordinals((stand) => stand.verdict === "rejected"),
      ordinals((stand) => stand.verdict === "accepted" && stand.rings !== null),
    );
  }, [map, open, standings]);
  useEffect(() => map?.judged.setSelected(target()?.id ?? null, open?.labels ?? []), [map, open, selection, annotation]);
}

function useTools(): void {
  const map = useStore(sceneMap);
  const chosen = useStore(tool);
  const turn = useStore(round);
  const open = useStore(scope);
  const { item } = useWorkspace();
  const { selection, annotation, detections } = useAddress();
  const scene = item?.scene ?? null;
  useEffect(() => tool.set("none"), [open?.item]);
  useEffect(() => {
    if (!map || !scene || chosen === "measure") return;
    if (chosen === "none") return detections ? takeUp(map, true) : undefined;
    const element = map.map.getTargetElement() as HTMLElement;
    element.dataset.tool = chosen;
    const stop = chosen === "edit" ? takeUp(map, false) : draw(map.map, chosen, axes(scene), (rings) => drawn(chosen, rings));
    return () => {
      stop();
      delete element.dataset.tool;
    };
  }, [map, scene, chosen, turn, selection, annotation, detections]);
}

/** Passing over many shapes quickly asks for none of them. */
const REST_MS = 150;

/** Puts the selected shape into the hand: whole, or its corners alone, which makes an edited annotation in one drag. */
function takeUp(map: SceneMap, corners: boolean): () => void {
  const meant = target();
  if (meant === null) {
    if (!corners) tool.set("none");
    return () => undefined;
  }
  let stop: () => void = () => undefined;
  let left = false;
  const begin = async () => {
    const shape = await shapeOf(meant);
    if (left || !shape) return;
    if (!corners) map.judged.setEdited(meant.id);
    const put = edit(map.map, shape.kind, shape.rings, (rings) => reshape(meant, shape.kind, rings), corners);
    const element = map.map.getTargetElement() as HTMLElement;
    element.dataset.hand = corners ? "corners" : "whole";
    stop = () => {
      put();
      delete element.dataset.hand;
      map.judged.setEdited(null);
    };
  };
  // A shape that cannot be had (its run is gone) is told of only to whoever asked to edit it.
  const timer = window.setTimeout(() => void begin().catch(corners ? () => undefined : fail), corners ? REST_MS : 0);
  return () => {
    left = true;
    window.clearTimeout(timer);
    stop();
  };
}
