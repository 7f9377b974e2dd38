/** The processes of `vedette up`. */
import type { Status } from "../api/client";
import { bytes, count, duration } from "../parts/numbers";
import { Table } from "./Table";

export function Parts({ parts, at }: { parts: Status["parts"]; at: string }) {
  const rows = parts.map((part) => ({
    key: part.name,
    bad: part.state !== "ready",
    cells: [
      part.name,
      part.state,
      part.process_id ?? "–",
      part.ports.join(", ") || "–",
      part.started_at ? duration((Date.parse(at) - Date.parse(part.started_at)) / 1000) : "–",
      count(part.restarts),
      part.memory_bytes === null ? "–" : bytes(part.memory_bytes),
    ],
  }));
  return <Table title="Parts" columns={["Part", "State", "Process", "Port", "Up for", "Restarts", "Memory"]} rows={rows} empty="" />;
}
