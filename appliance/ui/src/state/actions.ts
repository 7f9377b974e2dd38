/** What a person can have done, each as one function: used by buttons, keys and the palette alike. */
import { client, unwrap, type Dataset, type Detector, type Item, type Run } from "../api/client";
import { queries } from "../api/queries";
import { getAddress, go, openScene } from "./navigation";
import { fail, later } from "./notices";
import { leaving } from "./workspace";

export async function createDataset(name: string, title: string): Promise<Dataset> {
  const dataset = await unwrap(client.POST("/api/datasets", { body: { name, title } }));
  await queries.invalidateQueries({ queryKey: ["datasets"] });
  openScene(null, dataset.name);
  return dataset;
}

export function runDetector(item: Item, detector: Pick<Detector, "name" | "version">): void {
  const body = { detector: detector.name, version: detector.version };
  unwrap(client.POST("/api/items/{item_id}/runs", { params: { path: { item_id: item.id } }, body }))
    .then((run) => {
      remember(run);
      if (getAddress().scene === item.id) go({ run: run.id, threshold: null, selection: null, annotation: null, hidden: [] });
    })
    .catch(fail);
}

export function cancelRun(run: Run): void {
  unwrap(client.POST("/api/runs/{run_id}/cancel", { params: { path: { run_id: run.id } } }))
    .then(remember)
    .catch(fail);
}

export function retryRun(run: Run): void {
  unwrap(client.POST("/api/runs/{run_id}/retry", { params: { path: { run_id: run.id } } }))
    .then(remember)
    .catch(fail);
}

function remember(run: Run): void {
  queries.setQueriesData<Run[]>({ queryKey: ["runs"] }, (runs) => runs && [run, ...runs.filter((other) => other.id !== run.id)]);
  void queries.invalidateQueries({ queryKey: ["runs"] });
}

export function retryItem(item: Item): void {
  unwrap(client.POST("/api/items/{item_id}/retry", { params: { path: { item_id: item.id } } }))
    .then(() => queries.invalidateQueries({ queryKey: ["items", item.dataset] }))
    .catch(fail);
}

/** Takes the scene off the list at once and deletes it after a while, unless undone. */
export function deleteItem(item: Item): void {
  const open = getAddress().scene === item.id;
  const forget = (gone: boolean) =>
    leaving.set((before) => new Set(gone ? [...before, item.id] : [...before].filter((id) => id !== item.id)));
  forget(true);
  if (open) openScene(null);
  later(
    `${item.name} deleted with its runs.`,
    async () => {
      await unwrap(client.DELETE("/api/items/{item_id}", { params: { path: { item_id: item.id } }, keepalive: true }));
      await queries.invalidateQueries({ queryKey: ["items", item.dataset] });
      void queries.invalidateQueries({ queryKey: ["runs"] });
      void queries.invalidateQueries({ queryKey: ["datasets"] });
      forget(false);
    },
    () => {
      forget(false);
      if (open) openScene(item.id);
    },
  );
}
