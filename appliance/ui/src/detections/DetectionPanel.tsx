/** The right side: which run is shown, how many detections, from which score on, of which classes. */
import { useHistogram } from "../api/queries";
import { count } from "../parts/numbers";
import { ErrorText } from "../parts/ErrorText";
import { NewModel } from "../newmodel/NewModel";
import { TrainingLines } from "../newmodel/TrainingLines";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { inView } from "../map/live";
import { AnnotationPanel } from "../annotate/AnnotationPanel";
import { Accuracy } from "./Accuracy";
import { Attributes } from "./Attributes";
import { ClassList } from "./ClassList";
import { DetectionList } from "./DetectionList";
import { measuresOf } from "./filter";
import { ScoreSlider } from "./ScoreSlider";
import { RunControl } from "./RunControl";
import { RunStatus } from "./RunStatus";
import { SizeFilter } from "./SizeFilter";
import { ShownCount } from "./ShownCount";

export function DetectionPanel() {
  const { dataset, item, run, drawable, filter } = useWorkspace();
  const histogram = useHistogram(drawable && run ? run.id : null, measuresOf(filter));
  const { shapes, truncated, counted } = useStore(inView);
  return (
    <aside className="panel detections" aria-label="Detections">
      <div className="panel-head">
        <h2>Detections</h2>
        {dataset ? <NewModel dataset={dataset} shown={run?.detector ?? null} /> : null}
      </div>
      <TrainingLines />
      {item?.state === "ready" ? <RunControl /> : null}
      {!item ? <p className="teach">Open a scene to run a detector on it.</p> : null}
      {item && run && !drawable ? <RunStatus run={run} /> : null}
      <ErrorText error={histogram.error} />
      {item?.state === "ready" && run && drawable && histogram.data ? (
        <>
          <ShownCount histogram={histogram.data} run={run} />
          <ScoreSlider histogram={histogram.data} />
          <Accuracy run={run} />
          <ClassList histogram={histogram.data} />
          <SizeFilter />
          {truncated ? <p className="teach">This area holds more than can be drawn: the best are shown. Zoom in for all.</p> : null}
          {counted > 0 ? <p className="teach">{`${count(counted)} are shown as counts: zoom in, or click a count, to see each.`}</p> : null}
          {counted > 0 && shapes.length === 0 ? null : <DetectionList />}
          <Attributes />
        </>
      ) : null}
      {item?.state === "ready" ? <AnnotationPanel /> : null}
    </aside>
  );
}
