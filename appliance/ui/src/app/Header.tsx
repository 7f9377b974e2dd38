/** 40 pixels: the name, the dataset, the palette, the workers, the person. */
import { Search } from "lucide-react";
import type { Session } from "../api/client";
import { useWorkers } from "../api/queries";
import { paletteOpen } from "../palette/open";
import { useStore } from "../state/store";
import { AccountMenu } from "./AccountMenu";
import { DatasetMenu } from "./DatasetMenu";
import { Mark } from "./Mark";
import { live } from "./Workspace";

export function Header({ session }: { session: Session }) {
  return (
    <header className="header">
      <h1 className="brand">
        <Mark />
        Vedette
      </h1>
      <DatasetMenu />
      <button type="button" className="search" onClick={() => paletteOpen.set(true)}>
        <Search />
        <span>Search scenes, detectors, places, commands</span>
        <kbd>Ctrl K</kbd>
      </button>
      <Workers />
      <AccountMenu session={session} />
    </header>
  );
}

function Workers() {
  const workers = useWorkers().data;
  const connected = useStore(live);
  if (!connected) return <span className="status bad" role="status">Not connected, trying again</span>;
  if (!workers) return null;
  const busy = workers.filter((worker) => worker.busy_with).length;
  const detail = workers.map((worker) => `${worker.kind} worker on ${worker.host}${worker.busy_with ? ", busy" : ""}`).join("\n");
  return (
    <span className={workers.length === 0 ? "status bad" : "status"} title={detail} data-testid="workers">
      <i className={busy > 0 ? "dot busy" : "dot"} />
      {workers.length === 1 ? "1 worker" : `${workers.length} workers`}
    </span>
  );
}
