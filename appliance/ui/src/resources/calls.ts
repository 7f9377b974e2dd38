/** Asks the API for the resources of the cluster, and for changes of them. Knows nothing of how they are shown. */
import { useQuery } from "@tanstack/react-query";
import { client, everyPage, unwrap } from "../api/client";
import { queries } from "../api/queries";
import { isOver } from "./sentences";
import { needsCluster, type DetectorResource, type TrainingJob } from "./types";

/** Nothing says when they change: they are asked for again while somebody looks. */
const OPEN_MS = 3_000;
/** Beside other work only what goes on. */
const ASIDE_MS = 10_000;

type Watching = "open" | "aside";

const DETECTORS = ["resources", "detectors"];
const TRAININGS = ["resources", "trainingjobs"];

export const useDetectorResources = (watching: Watching) =>
  useQuery({
    queryKey: DETECTORS,
    queryFn: () => everyPage((cursor) => unwrap(client.GET("/api/resources/detectors", { params: { query: { cursor } } }))),
    refetchInterval: ({ state }) => (watching === "open" && !needsCluster(state.error) ? OPEN_MS : false),
  });

export const useTrainingJobs = (watching: Watching) =>
  useQuery({
    queryKey: TRAININGS,
    queryFn: () => everyPage((cursor) => unwrap(client.GET("/api/resources/trainingjobs", { params: { query: { cursor } } }))),
    refetchInterval: ({ state }) => {
      if (watching === "open") return needsCluster(state.error) ? false : OPEN_MS;
      return state.data?.some((job) => !isOver(job)) ? ASIDE_MS : false;
    },
  });

/** What of a resource's spec becomes another; the rest stays. */
export interface DetectorChange {
  suspend?: boolean;
  model?: { storageUri: string; digest: string };
  rollout?: { retry: number };
}

export interface TrainingChange {
  suspend?: boolean;
  retry?: number;
}

/** Also while the page is being left, as a retry whose undo was still open is. */
export async function changeDetector(name: string, spec: DetectorChange): Promise<void> {
  show<DetectorResource>(DETECTORS, name, (each) => ({ ...each, spec: { ...each.spec, ...spec, rollout: { ...each.spec.rollout, ...spec.rollout } } }));
  await settled(DETECTORS, unwrap(client.PATCH("/api/resources/detectors/{name}", { params: { path: { name } }, body: { spec: { ...spec } }, keepalive: true })));
}

export async function changeTraining(name: string, spec: TrainingChange): Promise<void> {
  show<TrainingJob>(TRAININGS, name, (each) => ({ ...each, spec: { ...each.spec, ...spec } }));
  await settled(TRAININGS, unwrap(client.PATCH("/api/resources/trainingjobs/{name}", { params: { path: { name } }, body: { spec: { ...spec } }, keepalive: true })));
}

export async function deleteDetector(name: string): Promise<void> {
  await settled(DETECTORS, unwrap(client.DELETE("/api/resources/detectors/{name}", { params: { path: { name } } })));
}

export async function deleteTraining(name: string): Promise<void> {
  await settled(TRAININGS, unwrap(client.DELETE("/api/resources/trainingjobs/{name}", { params: { path: { name } } })));
}

/** What has a default is left to the API server, and so is not in what is sent. */
export async function createTraining(job: NewTrainingJob): Promise<void> {
  await settled(TRAININGS, unwrap(client.POST("/api/resources/trainingjobs", { body: job as TrainingJob })));
}

export interface NewTrainingJob {
  apiVersion: "vedette.io/v1alpha1";
  kind: "TrainingJob";
  metadata: { name: string };
  spec: Partial<Omit<TrainingJob["spec"], "configuration">> & Pick<TrainingJob["spec"], "dataset"> & { configuration: { inline: NewOptions } };
}

export type NewOptions = Partial<NonNullable<TrainingJob["spec"]["configuration"]["inline"]>> & { licence: string };

/** On the page at once; the API's own word follows. */
function show<T extends { metadata: { name: string } }>(queryKey: string[], name: string, change: (before: T) => T): void {
  queries.setQueryData<T[]>(queryKey, (all) => all?.map((each) => (each.metadata.name === name ? change(each) : each)));
}

/** Whether it was done or refused, what is there now is asked for anew. */
async function settled(queryKey: string[], call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } finally {
    void queries.invalidateQueries({ queryKey });
  }
}
