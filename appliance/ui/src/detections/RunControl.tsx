/** Which run is shown, and running a detector on this scene. */
import { Play } from "lucide-react";
import { useState } from "react";
import type { Detector, Run } from "../api/client";
import { useDetectors } from "../api/queries";
import { runDetector } from "../state/actions";
import { go } from "../state/navigation";
import { newestDetectors, useWorkspace } from "../state/workspace";

const key = (each: { name: string; version: string }) => `${each.name} ${each.version}`;

export function RunControl() {
  const { item, run, runs, detectors } = useWorkspace();
  const loaded = useDetectors().isSuccess;
  const [chosen, setChosen] = useState<string | null>(null);
  if (!item || !loaded) return null;
  if (detectors.length === 0) {
    return (
      <p className="teach">
        No detector is installed. Add one with <code>vedette detector apply PACKAGE</code>.
      </p>
    );
  }
  const newest = newestDetectors(detectors);
  const detector = detectors.find((each) => key(each) === chosen) ?? newest[0];
  const done = runs.filter((each) => each.item_id === item.id);
  return (
    <div className="run-control">
      {done.length > 1 ? <RunChoice runs={done} run={run} /> : null}
      {run === null ? <p className="teach">No detector has looked at this scene yet.</p> : null}
      {run === null || detectors.length > 1 ? (
        <div className="row">
          <select aria-label="Detector" value={detector ? key(detector) : ""} onChange={(event) => setChosen(event.target.value)}>
            {detectors.map((each) => (
              <option key={key(each)} value={key(each)}>
                {title(each)}
              </option>
            ))}
          </select>
          <RunButton detector={detector} onRun={(each) => runDetector(item, each)} done={done} />
        </div>
      ) : null}
    </div>
  );
}

function RunButton({ detector, onRun, done }: { detector: Detector | undefined; onRun: (detector: Detector) => void; done: Run[] }) {
  const before = done.some((each) => each.detector === detector?.name && each.version === detector.version);
  return (
    <button type="button" className="primary" disabled={!detector || before} title={before ? "This detector has looked at this scene." : "Run (R)"} onClick={() => detector && onRun(detector)}>
      <Play /> Run
    </button>
  );
}

function RunChoice({ runs, run }: { runs: Run[]; run: Run | null }) {
  return (
    <select aria-label="Run shown" value={run?.id} onChange={(event) => go({ run: event.target.value, threshold: null, selection: null, annotation: null, hidden: [] })}>
      {runs.map((each) => (
        <option key={each.id} value={each.id}>
          {`${each.detector} ${each.version}${each.state === "succeeded" ? "" : `, ${each.state}`}`}
        </option>
      ))}
    </select>
  );
}

function title(detector: Detector): string {
  return `${detector.manifest.title || detector.name} ${detector.version}`;
}
