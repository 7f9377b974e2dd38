/** What is being trained now, in the panel from which it was asked for. */
import { Progress } from "../parts/Progress";
import { percent } from "../parts/numbers";
import { useTrainingJobs } from "../resources/calls";
import { addressOf } from "../resources/place";
import { isOver, progressOf, stateOf } from "../resources/sentences";
import type { TrainingJob } from "../resources/types";

const NONE: TrainingJob[] = [];

export function TrainingLines() {
  const going = (useTrainingJobs("aside").data ?? NONE).filter((job) => !isOver(job));
  if (going.length === 0) return null;
  return (
    <ul className="training-lines" aria-label="Trainings">
      {going.map((job) => {
        const { name } = job.metadata;
        const progress = progressOf(job);
        return (
          <li key={name}>
            <a href={addressOf({ kind: "training", name })}>{name}</a>
            <span className="quiet numbers">{progress ? [percent(progress.fraction), progress.left].filter(Boolean).join(", ") : stateOf(job).toLowerCase()}</span>
            <Progress value={progress?.fraction ?? null} label={`Training ${name}`} />
          </li>
        );
      })}
    </ul>
  );
}
