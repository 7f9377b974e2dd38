/** Makes the snapshots and then the TrainingJob. Called by the form; knows nothing of how it is drawn. */
import { client, ProblemError, unwrap, type Item } from "../api/client";
import { createTraining } from "../resources/calls";
import type { TrainingJob } from "../resources/types";
import { jobFrom, type Base, type Draft, type Snapshots } from "./job";
import { splits, type Part, type Scene, type Split } from "./split";

const AT_ONCE = 6;

/** Of the ready scenes, those that somebody has labelled: the others would teach that there is nothing on them. */
export async function labelled(items: readonly Item[]): Promise<Scene[]> {
  const waiting = items.filter((item) => item.state === "ready");
  const found: Scene[] = [];
  const work = async () => {
    for (let item = waiting.shift(); item; item = waiting.shift()) {
      const params = { path: { item_id: item.id }, query: { limit: 1 } };
      const { items: some } = await unwrap(client.GET("/api/items/{item_id}/annotations", { params }));
      if (some.length > 0 && item.scene) found.push({ name: item.name, sha256: item.sha256, width: item.scene.width, height: item.scene.height });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return found.sort((a, b) => a.name.localeCompare(b.name));
}

/** Returns the name of the training. Raises ProblemError, of which job.blamed may know the field. */
export async function askFor(base: Base, draft: Draft, dataset: string, scenes: readonly Scene[], trainings: readonly TrainingJob[]): Promise<string> {
  const snapshots = await snapshotsOf(dataset, scenes);
  const taken = trainings.map(({ metadata: { name } }) => name);
  const job = jobFrom(base, draft, snapshots, taken);
  await createTraining(job);
  return job.metadata.name;
}

async function snapshotsOf(dataset: string, scenes: readonly Scene[]): Promise<Snapshots> {
  for (const split of splits(scenes)) {
    const made = await frozen(dataset, split);
    if (made) return made;
  }
  throw new ProblemError(422, "There are too few labels to learn from some and to choose by others.", "Label more scenes, or more of this one.");
}

/** Null where train or validation would hold no label. The same scenes give the same snapshots, however often. */
async function frozen(dataset: string, { train, validation, test }: Split): Promise<Snapshots | null> {
  const freeze = (items: Part[]) => unwrap(client.POST("/api/datasets/{dataset}/snapshots", { params: { path: { dataset } }, body: { items } }));
  const [learnt, chosen] = [await freeze(train), await freeze(validation)];
  if (learnt.manifest.annotations === 0 || chosen.manifest.annotations === 0) return null;
  const measured = test.length > 0 ? { test: (await freeze(test)).digest } : {};
  return { train: learnt.digest, validation: chosen.digest, ...measured };
}
