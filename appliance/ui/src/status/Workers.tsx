/** The workers that announce themselves, and what each is busy with. */
import type { Status } from "../api/client";
import { bytes, utc } from "../parts/numbers";
import { Table } from "./Table";

export function Workers({ workers }: { workers: Status["workers"] }) {
  const rows = workers.map(({ worker, working_on, held_bytes }) => ({
    key: worker.id,
    cells: [
      worker.kind,
      `${worker.host}, process ${worker.process_id}`,
      working_on ?? worker.busy_with ?? "free",
      worker.detectors.join(", ") || "–",
      held_bytes === null ? "–" : bytes(held_bytes),
      `${bytes(worker.memory_bytes)}, ${worker.cpus} CPUs`,
      utc(worker.started_at),
    ],
  }));
  const columns = ["Kind", "Where", "Busy with", "Detectors loaded", "Memory", "Machine", "Since"];
  return <Table title="Workers" columns={columns} rows={rows} empty="No worker announces itself: nothing is normalised and no run starts." />;
}
