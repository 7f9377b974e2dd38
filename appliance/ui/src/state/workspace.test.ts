import { expect, it, vi } from "vitest";

vi.stubGlobal("window", { location: { search: "" }, addEventListener: vi.fn() });
const { chooseRun, classLabels, newestDetectors } = await import("./workspace");
const { nameFrom } = await import("./naming");

type Run = Parameters<typeof chooseRun>[0][number];
const run = (id: string, state: Run["state"], created_at: string, item_id = "scene") => ({ id, state, created_at, item_id }) as Run;
const RUNS = [run("old", "succeeded", "2026-01-01"), run("newer", "succeeded", "2026-01-02"), run("newest", "failed", "2026-01-03"), run("other", "succeeded", "2026-01-04", "elsewhere")];

it("shows the run the address names, else the newest that can be drawn", () => {
  expect(chooseRun(RUNS, "scene", "old")?.id).toBe("old");
  expect(chooseRun(RUNS, "scene", null)?.id).toBe("newer");
  expect(chooseRun(RUNS, "scene", "other")?.id).toBe("newer");
  expect(chooseRun(RUNS.slice(2), "scene", null)?.id).toBe("newest");
  expect(chooseRun(RUNS, null, null)).toBeNull();
});

type Detector = Parameters<typeof newestDetectors>[0][number];
const detector = (name: string, version: string, created_at: string) => ({ name, version, created_at, manifest: { taxonomy: [{ path: ["tree", "crown"] }] } }) as unknown as Detector;

it("offers the newest version of each detector", () => {
  const all = [detector("ships", "1.0.0", "2026-01-01"), detector("crowns", "1.0.0", "2026-01-01"), detector("crowns", "1.1.0", "2026-02-01")];
  expect(newestDetectors(all).map(({ name, version }) => `${name} ${version}`)).toEqual(["crowns 1.1.0", "ships 1.0.0"]);
});

it("keeps the colours of the taxonomy whatever was found", () => {
  expect(classLabels(detector("crowns", "1.0.0", ""), { "zebra": 1, "tree/crown": 3, "ape": 2 })).toEqual(["tree/crown", "ape", "zebra"]);
});

it.each([
  ["Port survey", "port-survey"],
  ["  2024 Évreux / nord  ", "evreux-nord"],
  ["---", ""],
  ["x".repeat(80), "x".repeat(63)],
])("names the dataset %j %s", (title, name) => {
  expect(nameFrom(title)).toBe(name);
});
