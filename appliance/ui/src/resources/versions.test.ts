import { expect, it, vi } from "vitest";
import { newestFirst, nextMinor } from "./versions";

vi.stubGlobal("window", { location: { search: "", pathname: "/detectors" }, addEventListener: vi.fn() });
const { addressOf, openedIn } = await import("./place");
const { neighbour } = await import("./keys");

it("puts versions in the order of their numbers", () => {
  expect(newestFirst(["1.9.0", "1.10.0", "1.10.0-rc", "0.12.3"].map((version) => ({ version }))).map(({ version }) => version)).toEqual(["1.10.0", "1.10.0-rc", "1.9.0", "0.12.3"]);
});

it.each([
  [["1.4.0", "1.10.2", "0.30.0"], "1.11.0"],
  [["2.0.0-rc.1"], "2.1.0"],
  [[], "1.0.0"],
])("goes on after %j with %s", (known, next) => {
  expect(nextMinor(known)).toBe(next);
});

it("keeps what is open in the address", () => {
  for (const opened of [null, { kind: "detector", name: "crowns" }, { kind: "training", name: "crowns-1-5-0" }] as const) expect(openedIn(addressOf(opened).replace("/detectors", ""))).toEqual(opened);
});

it("steps from the last to the first", () => {
  const of = (name: string) => ({ metadata: { name } });
  const place = { detectors: [of("a"), of("b")], trainings: [of("t")], may: true } as unknown as Parameters<typeof neighbour>[0];
  expect(neighbour({ ...place, opened: null }, 1)).toEqual({ kind: "detector", name: "a" });
  expect(neighbour({ ...place, opened: { kind: "training", name: "t" } }, 1)).toEqual({ kind: "detector", name: "a" });
  expect(neighbour({ ...place, opened: { kind: "detector", name: "a" } }, -1)).toEqual({ kind: "training", name: "t" });
  expect(neighbour({ ...place, detectors: [], trainings: [], opened: null }, 1)).toBeNull();
});
