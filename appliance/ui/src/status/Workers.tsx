/** The workers that announce themselves, and what each is busy with. */
import type { Status } from "../api/client";
import { DrainButton } from "../parts/DrainButton";
import { bytes, utc } from "../parts/numbers";
import { Table } from "./Table";

export function Workers({ workers }: { workers: Status["workers"] }) {
  const rows = workers.map(({ worker, working_on, held_bytes, drained }) => ({
    key: worker.id,
    cells: [
      worker.kind,
      worker.name ?? "–",
      `${worker.host}, process ${worker.process_id}`,
      `${working_on ?? worker.busy_with ?? "free"}${drained ? ", drained" : ""}`,
      worker.detectors.join(", ") || "–",
      held_bytes === null ? "–" : bytes(held_bytes),
      `${bytes(worker.memory_bytes)}, ${worker.cpus} CPUs`,
      utc(worker.started_at),
      <DrainButton key="drain" worker={worker} drained={drained} />,
    ],
  }));
  const columns = ["Kind", "Name", "Where", "Busy with", "Detectors loaded", "Memory", "Machine", "Since", "Runs"];
  return <Table title="Workers" columns={columns} rows={rows} empty="No worker announces itself: nothing is normalised and no run starts." />;
}
