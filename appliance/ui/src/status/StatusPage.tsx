/** /status: the machine at this moment, for whoever operates it. Administrators only. */
import type { Session, Status } from "../api/client";
import { useStatus } from "../api/queries";
import { Mark } from "../app/Mark";
import { ErrorText } from "../parts/ErrorText";
import { bytes, count, utc } from "../parts/numbers";
import { Failures } from "./Failures";
import { Parts } from "./Parts";
import { Queues } from "./Queues";
import { Servers } from "./Servers";
import { Workers } from "./Workers";

export function StatusPage({ session }: { session: Session }) {
  return (
    <div className="status-page">
      <header className="header">
        <a className="brand" href="/">
          <Mark />
          Vedette
        </a>
        <h1 className="quiet">Status of the machine</h1>
      </header>
      <main>{session.role === "administrator" ? <Machine /> : <p>Only an administrator sees the state of the machine.</p>}</main>
    </div>
  );
}

function Machine() {
  const status = useStatus();
  if (!status.data) return status.error ? <ErrorText error={status.error} /> : <p aria-busy="true">Asking the machine…</p>;
  const told = status.data;
  return (
    <>
      <p className="quiet numbers" data-testid="as-of">
        Vedette {told.version}, as of {utc(told.at)}, asked again every five seconds
      </p>
      <ErrorText error={status.error} />
      <Servers servers={told.servers} />
      {told.parts.length > 0 ? <Parts parts={told.parts} at={told.at} /> : null}
      <Workers workers={told.workers} />
      <Queues queues={told.queues} outbox={told.outbox} />
      <Figures status={told} />
      <Failures failures={told.failures} />
    </>
  );
}

function Figures({ status }: { status: Status }) {
  const states = (counted: Record<string, number>) =>
    Object.entries(counted).map(([state, number]) => `${count(number)} ${state}`).join(", ") || "none";
  return (
    <section aria-labelledby="figures">
      <h2 id="figures">Scenes, runs and disk</h2>
      <dl className="figures numbers">
        <dt>Scenes</dt>
        <dd>{states(status.items)}</dd>
        <dt>Runs</dt>
        <dd>{states(status.runs)}</dd>
        {status.disk ? (
          <>
            <dt>Disk</dt>
            <dd className={status.disk.free_bytes < LITTLE * status.disk.total_bytes ? "bad" : undefined}>
              {bytes(status.disk.free_bytes)} of {bytes(status.disk.total_bytes)} free at {status.disk.path}
            </dd>
          </>
        ) : null}
      </dl>
    </section>
  );
}

/** Less of the disk than this is worth a warning. */
const LITTLE = 0.05;
