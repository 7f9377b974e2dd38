/** The bottom strip: long work, with progress, time left, cancel; on failure the reason and retry. Only when there is some. */
import type { Run } from "../api/client";
import { inLine } from "../parts/inLine";
import { Progress } from "../parts/Progress";
import { ReasonText } from "../parts/ReasonText";
import { bytes, count, duration, percent } from "../parts/numbers";
import { cancelRun, retryRun } from "../state/actions";
import { openScene } from "../state/navigation";
import { createStore, useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { cancelUpload, uploads } from "../upload/queue";

/** Failures that were read and put aside on this page; they stay on the scene's panel. */
const read = createStore<ReadonlySet<string>>(new Set());
const SHOWN = 3;

export function Strip() {
  const { runs, run: open } = useWorkspace();
  const seen = useStore(read);
  const sending = useStore(uploads);
  const active = runs.filter((run) => run.state === "running" || run.state === "ingesting");
  const queued = runs.filter((run) => run.state === "queued");
  const failed = runs.filter((run) => run.state === "failed" && !seen.has(`${run.id}/${run.attempt}`) && run.id !== open?.id);
  const shown = [...active, ...queued, ...failed].slice(0, SHOWN);
  const waiting = queued.filter((run) => !shown.includes(run)).length;
  const upload = sending.find((task) => task.phase !== "waiting");
  if (shown.length === 0 && !upload) return null;
  return (
    <footer className="strip" aria-label="Running work">
      {upload ? (
        <div className="job">
          <span className="job-name">{`${upload.phase === "reading" ? "Reading" : "Sending"} ${upload.file.name}`}</span>
          <Progress value={upload.bytes / upload.file.size} label={`Sending ${upload.file.name}`} />
          <span className="numbers">{`${bytes(upload.bytes)} of ${bytes(upload.file.size)}`}</span>
          <button type="button" className="link" onClick={() => cancelUpload(upload)}>cancel</button>
          {sending.length > 1 ? <span className="quiet numbers">{`${sending.length - 1} more`}</span> : null}
        </div>
      ) : null}
      {shown.map((run) => (run.state === "failed" ? <Failure key={run.id} run={run} /> : <Job key={run.id} run={run} />))}
      {waiting > 0 ? <span className="quiet numbers">{`${count(waiting)} waiting`}</span> : null}
    </footer>
  );
}

function Title({ run }: { run: Run }) {
  return (
    <button type="button" className="job-name link" onClick={() => openScene(run.item_id)}>
      {`${run.detector} ${run.version} on ${run.item_name}`}
    </button>
  );
}

function Job({ run }: { run: Run }) {
  const { fraction, seconds_left: left } = run.progress;
  return (
    <div className="job" data-testid="job">
      <Title run={run} />
      <Progress value={run.state === "queued" ? null : fraction} label={`${run.detector} on ${run.item_name}`} />
      {run.state === "queued" ? <span className="quiet numbers">{inLine(run.waiting)}</span> : null}
      {run.state === "running" ? <span className="numbers">{percent(fraction)}</span> : null}
      {run.state === "ingesting" ? <span className="quiet">storing</span> : null}
      {run.state === "running" && left != null ? <span className="quiet numbers">{`${duration(left)} left`}</span> : null}
      {run.state === "ingesting" ? null : <button type="button" className="link" onClick={() => cancelRun(run)}>cancel</button>}
    </div>
  );
}

function Failure({ run }: { run: Run }) {
  return (
    <div className="job failed">
      <Title run={run} />
      <ReasonText reason={run.reason ?? null} />
      <button type="button" className="link" onClick={() => retryRun(run)}>retry</button>
      <button type="button" className="link" onClick={() => read.set((before) => new Set([...before, `${run.id}/${run.attempt}`]))}>put aside</button>
    </div>
  );
}
