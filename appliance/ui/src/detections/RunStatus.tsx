/** A run that has nothing to show yet, or never will: how far it is, or why and what to do. */
import type { Run } from "../api/client";
import { inLine } from "../parts/inLine";
import { Progress } from "../parts/Progress";
import { ReasonText } from "../parts/ReasonText";
import { count, duration, percent } from "../parts/numbers";
import { cancelRun, retryRun } from "../state/actions";

export function RunStatus({ run }: { run: Run }) {
  const name = `${run.detector} ${run.version}`;
  if (run.state === "failed" || run.state === "cancelled") {
    return (
      <div className="run-status" data-state={run.state}>
        <p>{run.state === "failed" ? `${name} could not finish.` : `${name} was cancelled.`}</p>
        <ReasonText reason={run.state === "failed" ? (run.reason ?? null) : null} />
        <button type="button" onClick={() => retryRun(run)}>
          {run.state === "failed" ? "Try again" : "Run again"}
        </button>
      </div>
    );
  }
  const { fraction, seconds_left: left, detections } = run.progress;
  return (
    <div className="run-status" data-state={run.state}>
      <p>{run.state === "queued" ? `${name} waits for a worker.` : run.state === "ingesting" ? `${name} has finished; its detections are being stored.` : `${name} is looking.`}</p>
      <Progress value={run.state === "queued" ? null : fraction} label={name} />
      <p className="quiet numbers">
        {run.state === "queued" ? inLine(run.waiting) : ""}
        {run.state === "running" ? `${percent(fraction)} · ${count(detections)} found${left != null ? ` · ${duration(left)} left` : ""}` : ""}
      </p>
      {run.state === "ingesting" ? null : (
        <button type="button" onClick={() => cancelRun(run)}>
          Cancel
        </button>
      )}
    </div>
  );
}
