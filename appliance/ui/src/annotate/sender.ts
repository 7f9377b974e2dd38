/** Sends the queue, one change after the other, until the appliance has answered each. Started once for a signed-in person. */
import { client, ProblemError, unwrap, type Annotation } from "../api/client";
import { fail } from "../state/notices";
import { createStore } from "../state/store";
import { Keep } from "./keep";
import { answered, pending, refused, type Entry } from "./queue";
import { learn, make, queue, standing, yieldTo } from "./work";

/** True while the appliance does not answer. */
export const stuck = createStore<boolean>(false);

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 20_000;

/** Returns what stops it. */
export function startSending(person: string): () => void {
  const keep = new Keep(person);
  let busy = false;
  let stopped = false;
  let wait = FIRST_WAIT_MS;
  let timer = 0;
  const pump = async () => {
    const entry = queue.get()[0];
    if (busy || stopped || timer !== 0 || !entry) return;
    busy = true;
    const sent = await attempt(entry);
    busy = false;
    stuck.set(!sent);
    if (sent) wait = FIRST_WAIT_MS;
    else {
      timer = window.setTimeout(hurry, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
    void pump();
  };
  const hurry = () => {
    window.clearTimeout(timer);
    timer = 0;
    void pump();
  };
  const leave = (event: BeforeUnloadEvent) => {
    // They are kept and sent after the reload; asking is for those who close the page for good.
    if (stuck.get() && queue.get().length > 0) event.preventDefault();
  };
  queue.set(keep.take());
  const unsubscribe = queue.subscribe(() => {
    keep.put(queue.get());
    void pump();
  });
  window.addEventListener("online", hurry);
  window.addEventListener("beforeunload", leave);
  void pump();
  return () => {
    stopped = true;
    unsubscribe();
    // It is kept in the browser; the next person must not send it in their name.
    keep.leave();
    queue.set([]);
    stuck.set(false);
    window.clearTimeout(timer);
    window.removeEventListener("online", hurry);
    window.removeEventListener("beforeunload", leave);
  };
}

/** False where it is to be tried again. */
async function attempt(entry: Entry): Promise<boolean> {
  try {
    const said = await send(entry);
    learn([said]);
    queue.set((before) => answered(before, said.revision));
    return true;
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    if (error.status === 0 || error.status === 401 || error.status === 429 || error.status >= 500) return false;
    const mine = pending(queue.get(), entry.id);
    const present = "present" in error.document;
    if (present) yieldTo(entry.id, error.document.present as Annotation | null);
    queue.set(refused);
    const again = () => make({ item: entry.item, id: entry.id, before: standing(entry.id), after: mine ?? null });
    if (!(entry.after === null && error.status === 404)) fail(error, present ? { label: "Put mine in its place", act: again } : undefined);
    return true;
  }
}

function send({ item, id, after, base }: Entry): Promise<Annotation> {
  const path = { item_id: item, annotation_id: id };
  const where = "/api/items/{item_id}/annotations/{annotation_id}";
  if (after === null) return unwrap(client.DELETE(where, { params: { path, query: { revision: Math.max(1, base ?? 1) } } }));
  const { verdict, label, shape, origin, rings } = after;
  const geometry = rings ? { type: "Polygon" as const, coordinates: rings } : null;
  return unwrap(client.PUT(where, { params: { path }, body: { revision: base ?? 0, verdict, label, shape, origin, geometry } }));
}
