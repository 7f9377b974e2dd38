/** What failed last, and why. The trace is what to look for in the logs. */
import type { Status } from "../api/client";
import { ReasonText } from "../parts/ReasonText";
import { utc } from "../parts/numbers";
import { Table } from "./Table";

export function Failures({ failures }: Pick<Status, "failures">) {
  const rows = failures.map((failure) => ({
    key: failure.id,
    cells: [
      utc(failure.at),
      failure.detector ? `${failure.detector} on ${failure.name}` : failure.name,
      failure.dataset,
      <ReasonText key="reason" reason={failure.reason} />,
      <code key="trace">{failure.trace_id ?? "–"}</code>,
    ],
  }));
  return <Table title="Last failures" columns={["When", "What", "Dataset", "Why", "Trace"]} rows={rows} empty="Nothing has failed." />;
}
