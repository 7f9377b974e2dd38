import { expect, it } from "vitest";
import { ANY } from "../detections/filter";
import { countsAbove, passing, radiusOf, readCounts, short } from "./counts";

const COUNTS = readCounts('{"tree": {"39": 5, "40": 7, "99": 1}, "car": {"70": 9}}');
const filter = (threshold: number, ...hidden: string[]) => ({ threshold, hidden: new Set(hidden), size: ANY, area: ANY });

it("counts what the filter lets through, as the slider's steps have it", () => {
  expect(passing(COUNTS, filter(0))).toEqual({ total: 22, label: "tree" });
  expect(passing(COUNTS, filter(0.4))).toEqual({ total: 17, label: "car" });
  expect(passing(COUNTS, filter(0.4, "car"))).toEqual({ total: 8, label: "tree" });
  expect(passing(COUNTS, filter(1))).toEqual({ total: 0, label: "" });
});

it("says large numbers in few letters", () => {
  expect([7, 999, 1000, 9940, 22_000, 999_400, 1_400_000].map(short)).toEqual(["7", "999", "1.0k", "9.9k", "22k", "999k", "1.4M"]);
});

it("draws circles that stay within their place", () => {
  expect(radiusOf(1)).toBe(9);
  expect(radiusOf(1e9)).toBe(26);
});

it("counts at one zoom everywhere, and never where tiles are finest", () => {
  const extent: [number, number, number, number] = [0, 0, 1000, 1000];
  const finest = 18;
  const asked = (count: number) => [14, 16, 17, 18].map((zoom) => countsAbove(zoom, count, extent, finest));
  expect(asked(1000)).toEqual([6000, 6000, 6000, null]);
  // 611 metres a side at zoom 16, 306 at 17.
  expect(asked(10_000)).toEqual([0, 0, 6000, null]);
  expect(asked(1_000_000)).toEqual([0, 0, 0, null]);
});

it("takes a broken answer for none", () => {
  expect(readCounts("{")).toEqual({});
});
