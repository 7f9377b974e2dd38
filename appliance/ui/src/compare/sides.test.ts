import { expect, it, vi } from "vitest";
import type { Item, Run } from "../api/client";

vi.stubGlobal("window", { location: { search: "" }, addEventListener: vi.fn() });
const { chosenSide, sides } = await import("./sides");

const scene = (bbox: number[] | null, acquired: string | null = null) => ({ crs: bbox ? "EPSG:32617" : null, bbox, width: 100, height: 100, acquired_at: acquired });
const item = (id: string, bbox: number[] | null, state = "ready") => ({ id, name: `${id}.tif`, state, scene: scene(bbox, id === "later" ? "2021-06-03T16:42:00Z" : null) }) as unknown as Item;
const run = (id: string, item_id: string, version: string, state = "succeeded") => ({ id, item_id, detector: "crowns", version, state, created_at: id }) as unknown as Run;

const open = item("open", [10, 50, 11, 51]);
const items = [open, item("later", [10.5, 50.5, 12, 52]), item("away", [20, 50, 21, 51]), item("flat", null), item("early", [10, 50, 11, 51], "normalising")];
const runs = [run("r1", "open", "1.0"), run("r2", "open", "1.1"), run("r3", "open", "1.2", "running"), run("r4", "later", "1.1"), run("r5", "later", "1.0")];

it("offers other runs, annotations, and ready scenes that share the ground", () => {
  const found = sides(open, runs[0] ?? null, items, runs);
  expect(found.map((each) => each.value)).toEqual(["run:r2", "annotations", "scene:later"]);
  expect(found[2]?.title).toBe("later.tif, 2021-06-03 16:42 UTC");
  // The run of the same detector and version, so that what differs is the scene.
  expect(found[2]?.run?.id).toBe("r5");
});

it("compares pictures without georeference where they have one size", () => {
  const [one, two] = [item("one", null), item("two", null)];
  expect(sides(one, null, [one, two, open], []).map((each) => each.value)).toEqual(["annotations", "scene:two"]);
});

it("takes what the address names, else the first", () => {
  const found = sides(open, null, items, runs);
  expect(chosenSide(found, "annotations")?.kind).toBe("annotations");
  expect(chosenSide(found, "run:gone")?.value).toBe("run:r1");
  expect(chosenSide([], null)).toBeNull();
});
