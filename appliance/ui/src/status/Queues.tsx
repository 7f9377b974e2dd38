/** What waits, and for how long. */
import type { Status } from "../api/client";
import { count, duration } from "../parts/numbers";
import { Table } from "./Table";

const NAMES: Record<string, string> = { MEDIA: "To be normalised", LANES: "Runs placed on workers", REPORTS: "Reports of workers" };

export function Queues({ queues, outbox }: Pick<Status, "queues" | "outbox">) {
  const age = (seconds: number | null) => (seconds === null ? "–" : duration(seconds));
  const rows = queues.map((queue) => ({
    key: queue.stream,
    cells: [NAMES[queue.stream] ?? queue.stream, count(queue.messages - queue.in_work), count(queue.in_work), age(queue.oldest_seconds)],
  }));
  if (outbox) rows.push({ key: "outbox", cells: ["Not yet in the queue", count(outbox.messages), "–", age(outbox.oldest_seconds)] });
  return <Table title="Queues" columns={["Queue", "Waiting", "In work", "Oldest"]} rows={rows} empty="The queue does not answer." />;
}
