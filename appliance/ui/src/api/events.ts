/** Listens to /api/events and keeps the answers in api/queries.ts fresh. Started once by the workspace. */
import { queries } from "./queries";
import type { Run } from "./client";

interface LiveEvent {
  kind: string;
  subject_id?: string | null;
  item_id?: string | null;
  state?: string;
  progress?: Run["progress"] | null;
}

const KINDS = ["item.created", "item.changed", "item.deleted", "run.created", "run.changed", "detector.changed", "annotations.changed"];
const FAMILIES: Record<string, string[][]> = {
  item: [["items"], ["datasets"]],
  run: [["runs"]],
  detector: [["detectors"]],
  annotations: [["evaluation"], ["annotations"]],
};
const LONGEST_WAIT_MS = 20_000;

/** Opens the stream and reopens it for ever; returns what stops it. The browser resumes by Last-Event-ID itself. */
export function listen(onLive: (live: boolean) => void): () => void {
  let source: EventSource | null = null;
  let timer = 0;
  let wait = 500;
  const open = () => {
    source = new EventSource("/api/events");
    source.onopen = () => {
      wait = 500;
      onLive(true);
      refresh(Object.values(FAMILIES).flat());
    };
    const heard = (message: MessageEvent<string>) => take(JSON.parse(message.data) as LiveEvent);
    source.onmessage = heard;
    for (const kind of KINDS) source.addEventListener(kind, heard);
    source.onerror = () => {
      onLive(false);
      if (source?.readyState !== EventSource.CLOSED) return;
      timer = window.setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    };
  };
  open();
  return () => {
    window.clearTimeout(timer);
    source?.close();
  };
}

function take(event: LiveEvent): void {
  const family = event.kind.split(".")[0] ?? "";
  if (event.kind === "run.changed" && event.progress && event.state === "running" && patch(event)) return;
  if (event.kind === "annotations.changed" && event.item_id && event.subject_id && event.subject_id !== event.item_id) {
    // One of them: whoever shows it asks for it alone.
    for (const listener of annotationListeners) listener(event.item_id, event.subject_id);
    refresh([["evaluation"]]);
    return;
  }
  refresh(FAMILIES[family] ?? []);
  if (event.kind === "run.changed" && event.state !== "running" && event.subject_id) refresh([["histogram", event.subject_id], ["evaluation", event.subject_id]]);
}

/** Progress comes many times a second: write it into the list rather than asking for the list again. */
function patch(event: LiveEvent): boolean {
  let known = false;
  queries.setQueriesData<Run[]>({ queryKey: ["runs"] }, (runs) =>
    runs?.map((run) => {
      if (run.id !== event.subject_id || run.state !== event.state) return run;
      known = true;
      return { ...run, progress: event.progress ?? run.progress };
    }),
  );
  return known;
}

/** Called with (item, annotation) when one annotation is not what it was. */
export const annotationListeners = new Set<(item: string, annotation: string) => void>();

const waiting = new Set<string>();

/** Several events at once ask once: the answers are asked for at most five times a second. */
function refresh(keys: string[][]): void {
  if (waiting.size === 0) window.setTimeout(ask, 200);
  for (const key of keys) waiting.add(JSON.stringify(key));
}

function ask(): void {
  const keys = [...waiting].map((key) => JSON.parse(key) as string[]);
  waiting.clear();
  for (const queryKey of keys) void queries.invalidateQueries({ queryKey });
}
