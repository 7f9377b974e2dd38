/** The trainings of the cluster, a row each. */
import { Progress } from "../parts/Progress";
import { percent } from "../parts/numbers";
import { asked, retryTraining, suspendTraining } from "./actions";
import { Conditions } from "./Conditions";
import { Facts } from "./Facts";
import { ResourceTable, type ResourceRow } from "./ResourceTable";
import { SaidText } from "./SaidText";
import { figure, goalSaid, isOver, progressOf, shortDigests, stateOf, trainingSaid, verdictSaid } from "./sentences";
import type { TrainingJob } from "./types";

const COLUMNS = ["State", "Progress", "Figures", "Verdict", "Model package", "Failure"];

export function TrainingTable({ trainings }: { trainings: TrainingJob[] }) {
  return <ResourceTable kind="training" title="Trainings" columns={COLUMNS} rows={trainings.map(row)} empty={<Empty />} />;
}

function row(job: TrainingJob): ResourceRow {
  const { verdict, modelPackage, trainerStatus, lastFailureInfo } = job.status;
  return {
    name: job.metadata.name,
    cells: [
      <SaidText key="state" said={trainingSaid(job)} />,
      <HowFar key="progress" job={job} />,
      trainerStatus?.metrics.map(({ name, value }) => `${name} ${figure(value)}`).join(", ") || "–",
      verdict ? `${verdictSaid(job)}. ${job.spec.goal ? (verdict.goalMet ? "Goal met." : "Goal not met.") : ""}` : "–",
      modelPackage ? modelPackage.storageUri.split("/").slice(-2).join(" ") : "–",
      lastFailureInfo ? <span key="failure" className={stateOf(job) === "Failed" ? "bad" : "quiet"}>{shortDigests(lastFailureInfo.message)}</span> : "none",
    ],
    detail: () => <Detail job={job} />,
  };
}

function HowFar({ job }: { job: TrainingJob }) {
  const progress = progressOf(job);
  if (!progress) return "–";
  return (
    <div className="how-far">
      <Progress value={progress.fraction} label={`Training ${job.metadata.name}`} />
      <span className="numbers">{percent(progress.fraction)}</span> <span className="quiet numbers">{progress.left}</span>
    </div>
  );
}

function Detail({ job }: { job: TrainingJob }) {
  const { spec, status, metadata } = job;
  const { dataset, publish } = spec;
  return (
    <div className="detail-columns">
      <div>
        <Conditions conditions={status.conditions} failure={status.lastFailureInfo} />
        {status.verdict && status.verdict.byContext.length > 0 ? (
          <Facts title="By context, worst first" facts={status.verdict.byContext.map(({ context, value, items }) => [context, `${figure(value)} on ${items} scenes`])} />
        ) : null}
      </div>
      <div>
        <Actions job={job} />
        <Facts
          title="What it does"
          facts={[
            ["Goal", goalSaid(job)],
            ["Begins with", spec.from ? spec.from.storageUri : "nothing: anew"],
            ["Learns from", <code key="train" title={dataset.train}>{shortDigests(dataset.train)}</code>],
            ["Chooses by", <code key="validation" title={dataset.validation}>{shortDigests(dataset.validation)}</code>],
            ["Measured on", dataset.test ? <code key="test" title={dataset.test}>{shortDigests(dataset.test)}</code> : ""],
            ["Becomes", publish ? `${publish.model} ${publish.version}${publish.detectorRef ? `, handed to the detector ${publish.detectorRef.name} if the goal is met` : ""}` : ""],
            ["Package", status.modelPackage ? `${status.modelPackage.storageUri}, ${shortDigests(status.modelPackage.digest)}` : ""],
            ["By kubectl", <code key="kubectl">{`kubectl describe tj/${metadata.name} -n ${metadata.namespace}`}</code>],
          ]}
        />
      </div>
    </div>
  );
}

function Actions({ job }: { job: TrainingJob }) {
  const { metadata, spec } = job;
  return (
    <div className="acts" role="group" aria-label={`What can be done with ${metadata.name}`}>
      {stateOf(job) === "Failed" ? (
        <button type="button" onClick={() => retryTraining(job)}>
          Run it again
        </button>
      ) : null}
      {isOver(job) ? null : (
        <button type="button" onClick={() => suspendTraining(job)}>
          {spec.suspend ? "Resume" : "Suspend"}
        </button>
      )}
      <button type="button" onClick={() => asked.set({ kind: "training", name: metadata.name })}>
        Delete…
      </button>
    </div>
  );
}

function Empty() {
  return (
    <p>
      Nothing has been trained on this cluster yet. Open a dataset with labelled scenes and press “New model”, or apply one: <code>kubectl apply -f trainingjob.yaml</code>.
    </p>
  );
}
