/** What the page asks the API, as hooks. Events (api/events.ts) say when an answer is out of date. */
import { QueryClient, useQuery } from "@tanstack/react-query";
import type { paths } from "./schema";
import { client, everyPage, ProblemError, unwrap, type Run, type Session } from "./client";

const retry = (failures: number, error: Error) =>
  failures < 3 && error instanceof ProblemError && (error.status === 0 || (error.status >= 500 && error.status !== 501));

export const queries = new QueryClient({
  defaultOptions: { queries: { retry, staleTime: 30_000, refetchOnWindowFocus: true }, mutations: { retry: false } },
});

// Any answer of 401 ends the session on the page too.
client.use({
  onResponse({ response, schemaPath }) {
    if (response.status === 401 && schemaPath !== "/api/session") queries.setQueryData<Session | null>(["session"], null);
  },
});

export const useSession = () =>
  useQuery({
    queryKey: ["session"],
    queryFn: async () => {
      try {
        return await unwrap(client.GET("/api/session"));
      } catch (error) {
        if (error instanceof ProblemError && error.status === 401) return null;
        throw error;
      }
    },
    staleTime: Infinity,
    // A tab that slept a day learns at once that its session has ended, or that another tab has signed in again.
    refetchOnWindowFocus: "always",
  });

export const useDatasets = () =>
  useQuery({
    queryKey: ["datasets"],
    queryFn: () => everyPage((cursor) => unwrap(client.GET("/api/datasets", { params: { query: { cursor } } }))),
  });

export const useItems = (dataset: string | null) =>
  useQuery({
    queryKey: ["items", dataset],
    enabled: dataset !== null,
    queryFn: () =>
      everyPage((cursor) =>
        unwrap(client.GET("/api/datasets/{dataset}/items", { params: { path: { dataset: dataset ?? "" }, query: { cursor } } })),
      ),
  });

export const useRuns = (dataset: string | null) =>
  useQuery({
    queryKey: ["runs", dataset],
    enabled: dataset !== null,
    // Places in line move when runs of others end, of which nothing is said here.
    refetchInterval: ({ state }) => (state.data?.some((run) => run.state === "queued") ? 3_000 : false),
    queryFn: () =>
      everyPage((cursor) => unwrap(client.GET("/api/runs", { params: { query: { dataset: dataset ?? "", cursor } } }))),
  });

export const useDetectors = () =>
  useQuery({
    queryKey: ["detectors"],
    queryFn: () => everyPage((cursor) => unwrap(client.GET("/api/detectors", { params: { query: { cursor } } }))),
  });

export const useWorkers = () =>
  useQuery({
    queryKey: ["workers"],
    queryFn: async () => (await unwrap(client.GET("/api/workers"))).items,
    refetchInterval: 10_000,
  });

/** The machine, for its operator. */
export const useStatus = () =>
  useQuery({ queryKey: ["status"], queryFn: () => unwrap(client.GET("/api/status")), refetchInterval: 5_000, staleTime: 0 });

type Measures = NonNullable<paths["/api/runs/{run_id}/histogram"]["get"]["parameters"]["query"]>;

/** Of the detections within these bounds; the last answer stays until the new one is there. */
export const useHistogram = (run: string | null, measures: Measures = {}) =>
  useQuery({
    queryKey: ["histogram", run, measures],
    enabled: run !== null,
    staleTime: Infinity,
    placeholderData: (before, query) => (query?.queryKey[1] === run ? before : undefined),
    queryFn: () => unwrap(client.GET("/api/runs/{run_id}/histogram", { params: { path: { run_id: run ?? "" }, query: measures } })),
  });

/** What people have said of an item on the page, rejected detections too. */
export const useSaid = (item: string | null) =>
  useQuery({
    queryKey: ["annotations", item],
    enabled: item !== null,
    staleTime: Infinity,
    queryFn: () =>
      everyPage((cursor) => {
        const params = { path: { item_id: item ?? "" }, query: { source: "people", verdict: "any" as const, cursor } };
        return unwrap(client.GET("/api/items/{item_id}/annotations", { params }));
      }),
  });

/** Figures against the annotations for every threshold at once; null where the scene has no annotations. */
export const useEvaluation = (run: Pick<Run, "id" | "item_id">) =>
  useQuery({
    queryKey: ["evaluation", run.id],
    staleTime: Infinity,
    queryFn: async () => {
      const item = { path: { item_id: run.item_id }, query: { limit: 1 } };
      const some = await unwrap(client.GET("/api/items/{item_id}/annotations", { params: item }));
      if (some.items.length === 0) return null;
      return unwrap(client.GET("/api/runs/{run_id}/evaluation", { params: { path: { run_id: run.id } } }));
    },
  });
