/** Takes a detector worker out of the line, and back into it. Media workers and those without a name have none. */
import type { Worker } from "../api/client";
import { setDrained } from "../state/placement";

export function DrainButton({ worker, drained }: { worker: Pick<Worker, "kind" | "name">; drained: boolean }) {
  const { kind, name } = worker;
  if (kind !== "detector" || name === null) return null;
  const act = drained ? "Resume" : "Drain";
  return (
    <button type="button" aria-label={`${act} ${name}`} title={drained ? "Give it runs again" : "Let it finish what it has and give it nothing new"} onClick={() => setDrained(name, !drained)}>
      {act}
    </button>
  );
}
