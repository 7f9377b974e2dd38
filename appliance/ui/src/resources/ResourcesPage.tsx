/** /detectors: what serves and what trains on a cluster, and what can be done with it. Without a cluster: what that needs. */
import { Search } from "lucide-react";
import type { ReactNode } from "react";
import type { Session } from "../api/client";
import { AccountMenu } from "../app/AccountMenu";
import { Mark } from "../app/Mark";
import { Notices } from "../app/Notices";
import { ErrorText } from "../parts/ErrorText";
import { paletteOpen } from "../palette/open";
import { AskDelete } from "./AskDelete";
import { useDetectorResources, useTrainingJobs } from "./calls";
import { DetectorTable } from "./DetectorTable";
import { NeedsCluster } from "./NeedsCluster";
import { PlaceKeys } from "./PlaceKeys";
import { TrainingTable } from "./TrainingTable";
import { needsCluster } from "./types";

export function ResourcesPage({ session }: { session: Session }) {
  return (
    <div className="status-page resources">
      <header className="header">
        <a className="brand" href="/">
          <Mark />
          Vedette
        </a>
        <h1 className="quiet">Detectors</h1>
        <button type="button" className="search" onClick={() => paletteOpen.set(true)}>
          <Search />
          <span>Search detectors, trainings, datasets, commands</span>
          <kbd>Ctrl K</kbd>
        </button>
        <AccountMenu session={session} />
      </header>
      <main>
        <Resources />
      </main>
      <Notices />
      <AskDelete />
      <PlaceKeys session={session} />
    </div>
  );
}

function Resources(): ReactNode {
  const detectors = useDetectorResources("open");
  const trainings = useTrainingJobs("open");
  const error = detectors.error ?? trainings.error;
  if (needsCluster(error)) return <NeedsCluster />;
  if (!detectors.data || !trainings.data) return error ? <ErrorText error={error} /> : <p aria-busy="true">Asking the cluster…</p>;
  return (
    <>
      <ErrorText error={error} />
      <DetectorTable detectors={detectors.data} />
      <TrainingTable trainings={trainings.data} />
    </>
  );
}
