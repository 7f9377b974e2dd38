/** How long the drawn line is, and how much it encloses. Shown while the measure is in the hand. */
import { useEffect, useState } from "react";
import { tool } from "../annotate/tool";
import { sceneMap } from "../map/live";
import { area, count, measuredLength } from "../parts/numbers";
import { useStore } from "../state/store";
import { measure } from "./measured";
import { drawMeasure } from "./tool";

export function Measure() {
  return useStore(tool) === "measure" ? <Measuring /> : null;
}

function Measuring() {
  const map = useStore(sceneMap);
  const [points, setPoints] = useState<number[][]>([]);
  useEffect(() => (map ? drawMeasure(map.map, setPoints) : undefined), [map]);
  const ground = map?.georeferenced ?? true;
  const { length, area: enclosed } = measure(points, ground);
  return (
    <div className="measure numbers" role="status" aria-label="Measured" data-testid="measure">
      <dl>
        <div>
          <dt>length</dt>
          <dd>{ground ? measuredLength(length) : `${count(length)} px`}</dd>
        </div>
        <div>
          <dt>encloses</dt>
          <dd>{enclosed === null ? "–" : area(enclosed, ground)}</dd>
        </div>
      </dl>
    </div>
  );
}
