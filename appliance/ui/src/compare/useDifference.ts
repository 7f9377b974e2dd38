/** The numbers of a comparison: what is on the left alone, on the right alone, on both. Computed here, of exact shapes. */
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { client, everyPage, unwrap, type Item, type Run } from "../api/client";
import { passes } from "../detections/filter";
import type { Extent } from "../map/geometry";
import { useWorkspace } from "../state/workspace";
import { difference, pairs, type Difference, type Found } from "./match";
import type { Comparison } from "./useComparison";

/** More shapes than this on a side are compared only in part: of what is in view. */
export const MOST = 10_000;

export interface Counted {
  /** Null while the shapes are on their way. */
  found: Difference | null;
  /** The numbers are those of what is in view. */
  inViewOnly: boolean;
  /** There is too much even in view. */
  tooMany: boolean;
}

/** `view`: what the map shows, in the coordinates of the API; asked for only where a side holds too many. */
export function useDifference(comparison: Comparison, view: Extent | null): Counted {
  const { item, run, filter } = useWorkspace();
  const { right } = comparison;
  const large = [run, right.run].some((each) => (each?.summary?.detections ?? 0) > MOST);
  const within = large ? view : null;
  const left = useDetections(run, within, !large || view !== null);
  const detected = useDetections(right.run, within, right.kind !== "annotations" && (!large || view !== null));
  const said = useAnnotated(right.kind === "annotations" ? item : null);
  const other = right.kind === "annotations" ? said : detected;
  const clipped = useMemo(() => (within && right.kind === "annotations" ? other?.filter((each) => touches(each.extent, within)) : other), [other, within, right.kind]);
  const candidates = useMemo(() => (left && clipped ? pairs(left, clipped) : null), [left, clipped]);
  const all = right.kind === "annotations";
  const found = useMemo(() => {
    if (!left || !clipped || !candidates) return null;
    const shownLeft = left.filter((each) => passes(filter, each));
    const shownRight = all ? clipped : clipped.filter((each) => passes(comparison.filter, each));
    return difference(shownLeft, shownRight, candidates);
  }, [left, clipped, candidates, filter, comparison.filter, all]);
  const tooMany = large && [left, detected].some((each) => each !== undefined && each.length > MOST);
  return { found: tooMany ? null : found, inViewOnly: large, tooMany };
}

function useDetections(run: Run | null, within: Extent | null, enabled: boolean): Found[] | undefined {
  const bbox = within?.map((each) => each.toFixed(7)).join(",");
  return useQuery({
    queryKey: ["found", run?.id, run?.finished_at, bbox],
    enabled: enabled && run?.state === "succeeded",
    staleTime: Infinity,
    gcTime: 60_000,
    placeholderData: (before, query) => (query?.queryKey[1] === run?.id ? before : undefined),
    queryFn: async () => {
      const params = { path: { run_id: run?.id ?? "" }, query: { bbox, limit: MOST } };
      const page = await unwrap(client.GET("/api/runs/{run_id}/detections", { params }));
      const found = page.items.map((each): Found => ({ ...measured(each), id: String(each.ordinal) }));
      // One more than can be compared says that there are too many.
      return page.next ? [...found, ...found.slice(0, 1)] : found;
    },
  }).data;
}

function useAnnotated(item: Item | null): Found[] | undefined {
  return useQuery({
    queryKey: ["annotations", item?.id, "found"],
    enabled: item !== null,
    queryFn: async () => {
      const path = { item_id: item?.id ?? "" };
      const all = await everyPage((cursor) => unwrap(client.GET("/api/items/{item_id}/annotations", { params: { path, query: { cursor } } })));
      return all.map((each): Found => ({ ...measured({ ...each, score: 1 }), id: each.id }));
    },
  }).data;
}

interface Boxed {
  label: string;
  score: number;
  box: { width: number; height: number };
  area_square_metres?: number | null;
  geometry: Record<string, unknown>;
}

function measured({ label, score, box, area_square_metres: area, geometry }: Boxed): Omit<Found, "id"> {
  const size = Number(Math.max(box.width, box.height).toFixed(1));
  return { label, score, size, area: area ?? box.width * box.height, extent: extentOf(geometry) };
}

/** The envelope of a GeoJSON geometry of any kind. */
function extentOf(geometry: Record<string, unknown>): Extent {
  const extent: Extent = [Infinity, Infinity, -Infinity, -Infinity];
  const visit = (value: unknown): void => {
    if (!Array.isArray(value)) return;
    const [x, y] = value as unknown[];
    if (typeof x === "number" && typeof y === "number") {
      extent[0] = Math.min(extent[0], x);
      extent[1] = Math.min(extent[1], y);
      extent[2] = Math.max(extent[2], x);
      extent[3] = Math.max(extent[3], y);
    } else for (const each of value) visit(each);
  };
  visit(geometry.coordinates);
  return extent;
}

const touches = (a: Extent, b: Extent): boolean => a[0] <= b[2] && b[0] <= a[2] && a[1] <= b[3] && b[1] <= a[3];
