/** Ties the annotations to the page: asks and hears of them, shows them on the map, puts the tools into the hand. */
import { useEffect, useMemo } from "react";
import { client, unwrap } from "../api/client";
import { annotationListeners } from "../api/events";
import { useSaid } from "../api/queries";
import { sceneMap } from "../map/live";
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
      if (getAddress().annotations) sceneMap.get()?.refreshAnnotations();
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
  const { selection, annotation } = useAddress();
  const scene = item?.scene ?? null;
  useEffect(() => tool.set("none"), [open?.item]);
  useEffect(() => {
    if (!map || !scene || chosen === "none") return;
    const element = map.map.getTargetElement() as HTMLElement;
    element.dataset.tool = chosen;
    let stop = () => map.judged.setEdited(null);
    let left = false;
    if (chosen !== "edit") stop = draw(map.map, chosen, axes(scene), (rings) => drawn(chosen, rings));
    else {
      const meant = target();
      if (meant === null) tool.set("none");
      else {
        const begin = async () => {
          const shape = await shapeOf(meant);
          if (left || !shape) return;
          map.judged.setEdited(meant.id);
          const put = edit(map.map, shape.kind, shape.rings, (rings) => reshape(meant, shape.kind, rings));
          stop = () => {
            put();
            map.judged.setEdited(null);
          };
        };
        begin().catch(fail);
      }
    }
    return () => {
      left = true;
      stop();
      delete element.dataset.tool;
    };
  }, [map, scene, chosen, turn, selection, annotation]);
}
