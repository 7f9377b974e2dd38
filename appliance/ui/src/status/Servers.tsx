/** The three servers: whether each answers, what is wrong, and since when. */
import type { Status } from "../api/client";
import { utc } from "../parts/numbers";
import { Table } from "./Table";

const NAMES = { database: "Database", messaging: "Queue", store: "Object store" } as const;

export function Servers({ servers }: { servers: Status["servers"] }) {
  const rows = (Object.keys(NAMES) as (keyof typeof NAMES)[]).map((key) => {
    const { answers, problem, since } = servers[key];
    return { key, bad: !answers, cells: [NAMES[key], answers ? "answers" : "does not answer", problem || "–", since ? utc(since) : "–"] };
  });
  return <Table title="Servers" columns={["Server", "State", "What is wrong", "Since"]} rows={rows} empty="" />;
}
