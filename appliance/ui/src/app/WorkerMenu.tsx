/** How many workers there are; each with what it does, and a button to drain it. */
import type { Session } from "../api/client";
import { live } from "../api/events";
import { useWorkers } from "../api/queries";
import { DrainButton } from "../parts/DrainButton";
import { Popover } from "../parts/Popover";
import { useStore } from "../state/store";

export function WorkerMenu({ session }: { session: Session }) {
  const workers = useWorkers().data;
  const connected = useStore(live);
  if (!connected) return <span className="status bad" role="status">Not connected, trying again</span>;
  if (!workers) return null;
  const busy = workers.some((worker) => worker.busy_with);
  const text = workers.length === 1 ? "1 worker" : `${workers.length} workers`;
  const sign = (
    <span className={workers.length === 0 ? "status bad" : "status"} data-testid="workers">
      <i className={busy ? "dot busy" : "dot"} />
      {text}
    </span>
  );
  return (
    <Popover label={`Workers: ${text}`} side="below-right" text={sign}>
      {workers.length === 0 ? <p className="quiet">No worker announces itself: nothing is normalised and no run starts.</p> : null}
      <ul className="worker-list" aria-label="Workers">
        {workers.map((worker) => (
          <li key={worker.id}>
            <span>{worker.name ?? `${worker.host}, process ${worker.process_id}`}</span>
            <span className="quiet">{`${worker.busy_with ? "busy" : "free"}${worker.drained ? ", drained" : ""}`}</span>
            {session.role === "administrator" ? <DrainButton worker={worker} drained={worker.drained} /> : null}
          </li>
        ))}
      </ul>
    </Popover>
  );
}
