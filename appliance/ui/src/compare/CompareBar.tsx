/** Above a comparison: what is left and right, in which way, and how far they agree. */
import { ArrowLeftRight, Columns2, SquareSplitHorizontal, X } from "lucide-react";
import { toLonLat } from "ol/proj";
import { useEffect, useState } from "react";
import type { Extent } from "../map/geometry";
import { otherMap, sceneMap } from "../map/live";
import { IconButton } from "../parts/IconButton";
import { count } from "../parts/numbers";
import { adjust, useAddress } from "../state/navigation";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { setMode, setSide, stopComparing, swapSides } from "./acts";
import { runTitle, sceneTitle, type Side } from "./sides";
import type { Comparison } from "./useComparison";
import { MOST, useDifference, type Counted } from "./useDifference";

export function CompareBar({ comparison }: { comparison: Comparison }) {
  const workspace = useWorkspace();
  const { mode, all, right, filter } = comparison;
  const { item, run } = workspace;
  const left = right.kind === "scene" && item ? sceneTitle(item) : run ? runTitle(run) : (item?.name ?? "");
  return (
    <div className="compare-bar" role="group" aria-label="Compare">
      <div className="compare-sides">
        <span className="compare-left" title={left} data-testid="left-side">{left}</span>
        {right.kind === "annotations" ? <span aria-hidden="true">|</span> : <IconButton label="Swap sides" keys="X" icon={<ArrowLeftRight />} onClick={() => swapSides(workspace, right)} />}
        <select aria-label="Compare with" value={right.value} onChange={(event) => setSide(event.target.value)}>
          <Group title="Other runs" sides={all.filter((side) => side.kind === "run")} />
          <Group title="What people say" sides={all.filter((side) => side.kind === "annotations")} />
          <Group title="Scenes of this place" sides={all.filter((side) => side.kind === "scene")} />
        </select>
        <span className="compare-modes" role="group" aria-label="How to compare">
          <IconButton label="Swipe" pressed={mode === "swipe"} icon={<SquareSplitHorizontal />} onClick={() => setMode("swipe")} />
          <IconButton label="Side by side" pressed={mode === "side"} icon={<Columns2 />} onClick={() => setMode("side")} />
        </span>
        <IconButton label="Stop comparing" keys="C" icon={<X />} onClick={stopComparing} />
      </div>
      {run?.state === "succeeded" && (right.run || right.kind === "annotations") ? (
        <div className="compare-numbers">
          {right.run ? <RightThreshold value={filter.threshold} /> : null}
          <Numbers comparison={comparison} />
        </div>
      ) : null}
    </div>
  );
}

function Group({ title, sides }: { title: string; sides: Side[] }) {
  if (sides.length === 0) return null;
  return (
    <optgroup label={title}>
      {sides.map((side) => (
        <option key={side.value} value={side.value}>
          {side.title}
        </option>
      ))}
    </optgroup>
  );
}

function RightThreshold({ value }: { value: number }) {
  return (
    <label className="right-threshold">
      <span className="quiet">right</span>
      <input type="range" min={0} max={1} step={0.01} value={value} aria-label="Right side: lowest score" aria-valuetext={value.toFixed(2)} onChange={(event) => adjust({ otherThreshold: Number(event.target.value) })} />
      <output className="numbers">{`≥ ${value.toFixed(2)}`}</output>
    </label>
  );
}

function Numbers({ comparison }: { comparison: Comparison }) {
  const { differences } = useAddress();
  const counted = useDifference(comparison, useView());
  useAgreed(counted, differences);
  if (counted.tooMany) return <p className="quiet">{`More than ${count(MOST)} in view: zoom in to count what differs.`}</p>;
  const { found, inViewOnly } = counted;
  if (!found) return <p className="quiet" aria-busy="true">Counting what differs…</p>;
  return (
    <>
      <dl className="numbers" data-testid="difference" title={`The same object where boxes overlap by 0.4 or more${inViewOnly ? "; of what is in view" : ""}`}>
        <Figure name="only left" value={found.onlyLeft} />
        <Figure name="on both" value={found.both} />
        <Figure name="only right" value={found.onlyRight} />
        {inViewOnly ? <span className="quiet">in view</span> : null}
      </dl>
      <label className="check">
        <input type="checkbox" checked={differences} onChange={(event) => adjust({ differences: event.target.checked })} />
        Differences only
      </label>
    </>
  );
}

function Figure({ name, value }: { name: string; value: number }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{count(value)}</dd>
    </div>
  );
}

/** What is on both sides steps back on the maps. */
function useAgreed({ found }: Counted, differences: boolean): void {
  const main = useStore(sceneMap);
  const right = useStore(otherMap);
  useEffect(() => {
    const agreed = differences ? found : null;
    const ordinals = (ids: ReadonlySet<string> | undefined) => new Set([...(ids ?? [])].map(Number));
    main?.shapes.setAgreed(ordinals(agreed?.agreedLeft));
    right?.shapes.setAgreed(ordinals(agreed?.agreedRight));
    right?.annotated.setAgreed(agreed?.agreedRight ?? new Set());
  }, [main, right, found, differences]);
  useEffect(() => () => main?.shapes.setAgreed(new Set()), [main]);
}

/** What the map shows once it stands still, in the coordinates of the API. */
function useView(): Extent | null {
  const map = useStore(sceneMap);
  const [view, setView] = useState<Extent | null>(null);
  useEffect(() => {
    if (!map) return;
    const look = () => setView(toApi(map.shown(), map.georeferenced));
    look();
    map.map.on("moveend", look);
    return () => map.map.un("moveend", look);
  }, [map]);
  return view;
}

function toApi(extent: Extent, georeferenced: boolean): Extent {
  if (!georeferenced) return [extent[0], -extent[3], extent[2], -extent[1]];
  const [west = 0, south = 0] = toLonLat([extent[0], extent[1]]);
  const [east = 0, north = 0] = toLonLat([extent[2], extent[3]]);
  // A view that goes around the earth has no two sides.
  return west < east ? [west, south, east, north] : [-180, -85, 180, 85];
}
