/** What a person can do with a detector or a training, each as one function: used by buttons and keys alike.
 * What can be taken back is done at once, with an undo; a raised retry cannot be lowered, so it waits for its undo. */
import type { Detector } from "../api/client";
import { fail, later, undoable } from "../state/notices";
import { createStore } from "../state/store";
import { changeDetector, changeTraining, deleteDetector, deleteTraining } from "./calls";
import { open, openedIn, type Opened } from "./place";
import { versionOf, withVersion } from "./sentences";
import type { DetectorResource, TrainingJob } from "./types";

/** Whose deletion is asked about. */
export const asked = createStore<Opened | null>(null);

export function suspendDetector({ metadata: { name }, spec }: DetectorResource): void {
  const suspend = !spec.suspend;
  act(changeDetector(name, { suspend }), suspend ? `${name} is suspended: no pods and no new runs.` : `${name} takes work again.`, () => changeDetector(name, { suspend: !suspend }));
}

/** Another version of the same model; what served before is only a click away. */
export function serveVersion({ metadata: { name }, spec }: DetectorResource, wanted: Pick<Detector, "version" | "digest">): void {
  const { model } = spec;
  const next = { storageUri: withVersion(model.storageUri, wanted.version), digest: wanted.digest };
  act(changeDetector(name, { model: next }), `${name} goes from ${versionOf(model.storageUri)} to ${wanted.version}, behind its gates.`, () => changeDetector(name, { model: { storageUri: model.storageUri, digest: model.digest } }));
}

export function retryDetector({ metadata: { name }, spec, status }: DetectorResource): void {
  const version = status.rejected?.version ?? versionOf(spec.model.storageUri);
  later(`${name} ${version} is tried again.`, () => changeDetector(name, { rollout: { retry: spec.rollout.retry + 1 } }), () => undefined);
}

export function suspendTraining({ metadata: { name }, spec }: TrainingJob): void {
  const suspend = !spec.suspend;
  act(changeTraining(name, { suspend }), suspend ? `${name} stops at its last checkpoint.` : `${name} goes on at its last checkpoint.`, () => changeTraining(name, { suspend: !suspend }));
}

export function retryTraining({ metadata: { name }, spec }: TrainingJob): void {
  later(`${name} runs again.`, () => changeTraining(name, { retry: spec.retry + 1 }), () => undefined);
}

export function deleteAsked({ kind, name }: Opened): void {
  const call = kind === "detector" ? deleteDetector(name) : deleteTraining(name);
  call
    .then(() => {
      const opened = openedIn(window.location.search);
      if (opened?.kind === kind && opened.name === name) open(null);
    })
    .catch(fail);
}

function act(call: Promise<void>, said: string, back: () => Promise<void>): void {
  call.then(() => undoable(said, () => void back().catch(fail))).catch(fail);
}
