/** One detector: what is so and what is not, what it is made of, and what can be done with it. */
import type { Detector } from "../api/client";
import { useMay } from "./may";
import { asked, retryDetector, serveVersion, suspendDetector } from "./actions";
import { Conditions } from "./Conditions";
import { Facts } from "./Facts";
import { Gates } from "./Gates";
import { canarySaid, engineSaid, rejectionStands, shortDigests, versionOf } from "./sentences";
import type { DetectorResource } from "./types";
import { VersionChoice } from "./VersionChoice";

interface Props {
  detector: DetectorResource;
  /** Those that the appliance has of this model. */
  versions: Detector[];
}

export function DetectorDetail({ detector, versions }: Props) {
  const { spec, status, metadata } = detector;
  return (
    <div className="detail-columns">
      <div>
        <Conditions conditions={status.conditions} failure={status.lastFailureInfo} />
        {status.canary ? (
          <section aria-label="Canary">
            <h3>{`Canary ${canarySaid(status)}`}</h3>
            {status.canary.gates.length === 0 ? <p className="quiet">It has no gates: it serves as soon as its pods are ready.</p> : <Gates gates={status.canary.gates} />}
          </section>
        ) : null}
        {status.rejected ? (
          <section aria-label="Last rejection">
            <h3>{`Last rejection: ${status.rejected.version}, ${status.rejected.reason}`}</h3>
            <p title={status.rejected.message}>{shortDigests(status.rejected.message)}</p>
          </section>
        ) : null}
      </div>
      <div>
        <Actions detector={detector} versions={versions} />
        <Facts
          title="What it is"
          facts={[
            ["Wanted", `${versionOf(spec.model.storageUri)}, ${spec.model.storageUri}`],
            ["Digest", <code key="digest" title={spec.model.digest}>{shortDigests(spec.model.digest)}</code>],
            ["Serves", status.currentVersion ?? "nothing yet"],
            ["Before", status.previousVersion],
            ["Engine", status.engine ? `${engineSaid(status)}${status.engine.gpu ? ` on ${status.engine.gpu}` : ""}` : `${spec.runtime.backend} ${spec.runtime.precision} is wanted`],
            ["Running point", status.runningPoint ? `${status.runningPoint.threshold}, ${status.runningPoint.source === "package" ? "the package's own" : "given in the resource"}` : ""],
            ["Scenes of", spec.subscribe.map((each) => (each.where ? `${each.dataset} where ${each.where}` : each.dataset)).join(", ")],
            ["Pods", `${spec.scaling.minReplicas} to ${spec.scaling.maxReplicas}`],
            ["By kubectl", <code key="kubectl">{`kubectl describe det/${metadata.name} -n ${metadata.namespace}`}</code>],
          ]}
        />
      </div>
    </div>
  );
}

function Actions({ detector, versions }: Props) {
  const { metadata, spec } = detector;
  if (!useMay("detector")) return <p className="quiet">An administrator can suspend it, or change its version.</p>;
  return (
    <div className="acts" role="group" aria-label={`What can be done with ${metadata.name}`}>
      <VersionChoice detector={detector} versions={versions} onChoose={(version) => serveVersion(detector, version)} />
      {rejectionStands(detector) ? (
        <button type="button" onClick={() => retryDetector(detector)}>
          {`Try ${detector.status.rejected?.version ?? ""} again`}
        </button>
      ) : null}
      <button type="button" onClick={() => suspendDetector(detector)}>
        {spec.suspend ? "Resume" : "Suspend"}
      </button>
      <button type="button" onClick={() => asked.set({ kind: "detector", name: metadata.name })}>
        Delete…
      </button>
    </div>
  );
}
