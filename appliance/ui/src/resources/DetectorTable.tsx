/** The detectors of the cluster, a row each. */
import { useDetectors } from "../api/queries";
import type { Detector } from "../api/client";
import { DetectorDetail } from "./DetectorDetail";
import { Gates } from "./Gates";
import { ResourceTable, type ResourceRow } from "./ResourceTable";
import { SaidText } from "./SaidText";
import { canarySaid, engineSaid, queueSaid, readiness, rejectionStands, replicasSaid, shortDigests } from "./sentences";
import type { DetectorResource } from "./types";

const COLUMNS = ["Ready", "Version", "Canary", "Running point", "Engine", "Replicas", "Queue", "Last rejection"];
const NONE: Detector[] = [];

export function DetectorTable({ detectors }: { detectors: DetectorResource[] }) {
  const versions = useDetectors().data ?? NONE;
  const rows = detectors.map((detector) => row(detector, versions));
  return <ResourceTable kind="detector" title="Detectors" columns={COLUMNS} rows={rows} empty={<Empty />} />;
}

function row(detector: DetectorResource, versions: Detector[]): ResourceRow {
  const { status } = detector;
  const { canary, rejected, runningPoint } = status;
  return {
    name: detector.metadata.name,
    cells: [
      <SaidText key="ready" said={readiness(detector)} />,
      status.currentVersion ?? "–",
      <div key="canary">
        {canarySaid(status)}
        <Gates gates={canary?.gates ?? []} />
      </div>,
      runningPoint ? runningPoint.threshold : "–",
      engineSaid(status),
      replicasSaid(status),
      queueSaid(status, Date.now()),
      rejected ? (
        <div key="rejected" className={rejectionStands(detector) ? undefined : "quiet"}>
          <span className="said" data-tone={rejectionStands(detector) ? "bad" : "quiet"}>{`${rejected.version}: ${rejected.reason}`}</span>
          <span className="sentence quiet">{shortDigests(rejected.message)}</span>
        </div>
      ) : (
        "none"
      ),
    ],
    detail: () => <DetectorDetail detector={detector} versions={versions.filter((each) => each.name === detector.metadata.name)} />,
  };
}

function Empty() {
  return (
    <p>
      No detector serves on this cluster yet. Apply one: <code>kubectl apply -f detector.yaml</code>, or <code>vedette detector apply -f detector.yaml</code>, which brings its package too.
    </p>
  );
}
