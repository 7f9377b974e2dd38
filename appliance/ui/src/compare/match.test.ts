import { describe, expect, it } from "vitest";
import type { Extent } from "../map/geometry";
import { difference, iou, pairs, type Found } from "./match";

const box = (id: string, x: number, score = 0.9, label = "tree"): Found => ({ id, label, score, size: 10, area: 100, extent: [x, 0, x + 10, 10] });

describe("two sides", () => {
  it("share what overlaps enough, each only once", () => {
    const left = [box("a", 0, 0.5), box("b", 1, 0.9), box("c", 100)];
    const right = [box("x", 0), box("y", 200)];
    const found = difference(left, right, pairs(left, right));
    // b has the higher score and takes x, although a overlaps it more.
    expect(found).toMatchObject({ onlyLeft: 2, onlyRight: 1, both: 1 });
    expect([...found.agreedLeft, ...found.agreedRight]).toEqual(["b", "x"]);
  });

  it("frees a match when a filter takes its partner away", () => {
    const left = [box("a", 0, 0.5), box("b", 1, 0.9)];
    const right = [box("x", 0)];
    const candidates = pairs(left, right);
    expect([...difference(left.slice(0, 1), right, candidates).agreedLeft]).toEqual(["a"]);
    expect(difference(left, [], candidates)).toMatchObject({ onlyLeft: 2, onlyRight: 0, both: 0 });
  });

  it("compare labels where both know the same, else not", () => {
    const left = [box("a", 0, 0.9, "Tree"), box("b", 50, 0.9, "car")];
    const trees = [box("x", 0), box("y", 50)];
    expect(difference(left, trees, pairs(left, trees)).both).toBe(1);
    const other = [box("x", 0, 1, "crown"), box("y", 50, 1, "crown")];
    expect(difference(left, other, pairs(left, other)).both).toBe(2);
  });

  it("are compared fast when there are ten thousand on each", () => {
    const many = (prefix: string): Found[] =>
      Array.from({ length: 10_000 }, (_, index) => ({ id: `${prefix}${index}`, label: "tree", score: (index % 97) / 97, size: 10, area: 100, extent: [(index % 100) * 12, Math.floor(index / 100) * 12, (index % 100) * 12 + 10, Math.floor(index / 100) * 12 + 10] }));
    const [left, right] = [many("l"), many("r")];
    const begun = performance.now();
    expect(difference(left, right, pairs(left, right)).both).toBe(10_000);
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});

it("the overlap of boxes is their intersection over their union", () => {
  const a: Extent = [0, 0, 10, 10];
  expect(iou(a, [5, 0, 15, 10])).toBeCloseTo(1 / 3, 12);
  expect([iou(a, a), iou(a, [10, 0, 20, 10])]).toEqual([1, 0]);
});
