/** Listens to /api/events and keeps the answers in api/queries.ts fresh. Started once by the workspace. */
import { createStore } from "../state/store";
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
const TICK_MS = 10_000;
/** Browsers slow timers of hidden tabs to one a minute: longer than that is sleep. */
const SLEPT_MS = 90_000;
const QUIET_MS = 180_000;

/** Whether changes arrive by themselves. */
export const live = createStore<boolean>(true);
/** What changed between the first answers and the opening of the stream is asked for when the first picture is there. */
const FIRST_MS = 1_500;

/** Opens the stream and reopens it for ever; returns what stops it. The browser resumes by Last-Event-ID itself. */
export function listen(): () => void {
  let source: EventSource | null = null;
  let timer = 0;
  let wait = 500;
  let heard = Date.now();
  let ticked = Date.now();
  let before = false;
  const open = () => {
    window.clearTimeout(timer);
    source?.close();
    heard = Date.now();
    source = new EventSource("/api/events");
    source.onopen = () => {
      wait = 500;
      live.set(true);
      window.setTimeout(() => refresh(Object.values(FAMILIES).flat()), before ? 0 : FIRST_MS);
      before = true;
    };
    const hear = (message: MessageEvent<string>) => {
      heard = Date.now();
      take(JSON.parse(message.data) as LiveEvent);
    };
    source.onmessage = hear;
    for (const kind of KINDS) source.addEventListener(kind, hear);
    source.onerror = () => {
      live.set(false);
      if (source?.readyState !== EventSource.CLOSED) return;
      timer = window.setTimeout(open, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    };
  };
  // A stream that a proxy has let go of without a word looks like a quiet one; a machine that slept comes back to one.
  const watch = window.setInterval(() => {
    const slept = Date.now() - ticked > SLEPT_MS;
    ticked = Date.now();
    if (slept || Date.now() - heard > QUIET_MS) open();
  }, TICK_MS);
  window.addEventListener("online", open);
  open();
  return () => {
    window.clearInterval(watch);
    window.removeEventListener("online", open);
    window.clearTimeout(timer);
    source?.close();
    live.set(false);
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
