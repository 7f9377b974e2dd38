/** What an administrator can say of who goes first and which workers get runs. Used by the dataset menu and lists of workers. */
import { client, unwrap, type Dataset, type Worker } from "../api/client";
import { queries } from "../api/queries";
import { fail } from "./notices";

export function setPriority(dataset: Dataset, priority: number): void {
  unwrap(client.PATCH("/api/datasets/{dataset}", { params: { path: { dataset: dataset.name } }, body: { priority } }))
    .then(() => Promise.all([queries.invalidateQueries({ queryKey: ["datasets"] }), queries.invalidateQueries({ queryKey: ["runs"] })]))
    .catch(fail);
}

/** A drained worker finishes what it has and gets nothing new. */
export function setDrained(name: NonNullable<Worker["name"]>, drained: boolean): void {
  const params = { params: { path: { name } } };
  unwrap(drained ? client.POST("/api/workers/{name}/drain", params) : client.POST("/api/workers/{name}/resume", params))
    .then(() => Promise.all(["workers", "status", "runs"].map((key) => queries.invalidateQueries({ queryKey: [key] }))))
    .catch(fail);
}
