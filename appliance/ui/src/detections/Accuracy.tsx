/** Precision and recall at this threshold, where the scene has annotations. */
import type { Run } from "../api/client";
import { useEvaluation } from "../api/queries";
import { count, percent } from "../parts/numbers";
import { useWorkspace } from "../state/workspace";
import { pointAt } from "./filter";

export function Accuracy({ run }: { run: Run }) {
  const { filter } = useWorkspace();
  const evaluation = useEvaluation(run).data;
  if (!evaluation) return null;
  const point = pointAt(evaluation, filter.threshold);
  return (
    <dl className="accuracy numbers" title={`Against ${count(evaluation.annotations)} annotations, at an overlap of ${evaluation.overlap}`}>
      <div>
        <dt>precision</dt>
        <dd data-testid="precision">{percent(point.precision)}</dd>
      </div>
      <div>
        <dt>recall</dt>
        <dd data-testid="recall">{percent(point.recall)}</dd>
      </div>
      <div>
        <dt>missed</dt>
        <dd>{count(point.false_negatives)}</dd>
      </div>
      <div>
        <dt>false</dt>
        <dd>{count(point.false_positives)}</dd>
      </div>
    </dl>
  );
}
