/** How right the run is, against what is known: labels of the whole scene, or only the detections that people have judged. */
import type { Run } from "../api/client";
import { known } from "../annotate/work";
import { useEvaluation } from "../api/queries";
import { count, percent } from "../parts/numbers";
import { adjust, useAddress } from "../state/navigation";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { judged, pointAt } from "./filter";

export function Accuracy({ run }: { run: Run }) {
  const { filter } = useWorkspace();
  const { complete } = useAddress();
  const evaluation = useEvaluation(run).data;
  const said = [...useStore(known).values()].filter((each) => each.item_id === run.item_id && each.source === "people" && !each.deleted);
  if (!evaluation) return <Judged said={judged(said, run.id)} />;
  const drawn = said.filter((each) => each.verdict === "accepted").length;
  // A label file speaks of the whole scene; what people say one by one does so only once they declare it.
  const partly = drawn >= evaluation.annotations;
  if (partly && !complete) return <Judged said={judged(said, run.id)} annotations={evaluation.annotations} />;
  const point = pointAt(evaluation, filter.threshold);
  return (
    <>
      <dl className="accuracy numbers" title={`The same object from an overlap of ${evaluation.overlap}`}>
        <Figure name="precision" value={percent(point.precision)} />
        <Figure name="recall" value={percent(point.recall)} />
        <Figure name="missed" value={count(point.false_negatives)} />
        <Figure name="false" value={count(point.false_positives)} />
      </dl>
      <p className="quiet against numbers">
        {`against ${annotationsOf(evaluation.annotations)}${partly ? ", taken as all there is" : ""}`}
        {partly ? (
          <button type="button" className="link" onClick={() => adjust({ complete: false })}>
            Not all
          </button>
        ) : null}
      </p>
    </>
  );
}

function Judged({ said: { right, wrong }, annotations = 0 }: { said: { right: number; wrong: number }; annotations?: number }) {
  const all = right + wrong;
  if (all === 0 && annotations === 0) return null;
  return (
    <p className="quiet against numbers" data-testid="judged">
      {all > 0 ? `${percent(right / all)} right of ${count(all)} judged.` : `${annotationsOf(annotations)} drawn.`}
      {annotations > 0 ? (
        <button type="button" className="link" title="Then precision and recall can be said" onClick={() => adjust({ complete: true })}>
          Everything here is annotated
        </button>
      ) : null}
    </p>
  );
}

const annotationsOf = (number: number): string => (number === 1 ? "1 annotation" : `${count(number)} annotations`);

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd data-testid={name}>{value}</dd>
    </div>
  );
}
