import { describe, expect, it } from "vitest";
import { axes, boxBetween, cornerAt, dragCorner, move, type Point } from "./boxes";
import { detectionAnnotation, newAnnotation } from "./ids";

const BOX: Point[] = [[0, 0], [4, 0], [4, -2], [0, -2]];

describe("a box under the hand", () => {
  it("follows the dragged corner, the opposite one stays", () => {
    expect(dragCorner(BOX, 2, [6, -3])).toEqual([[0, 0], [6, 0], [6, -3], [0, -3]]);
    expect(dragCorner(BOX, 0, [1, 1])).toEqual([[1, 1], [4, 1], [4, -2], [1, -2]]);
  });

  it("keeps its turn", () => {
    const turned: Point[] = [[0, 0], [3, 3], [1, 5], [-2, 2]];
    const [a = [0, 0], b = [0, 0], c = [0, 0], d = [0, 0]] = dragCorner(turned, 2, [3, 9]);
    const dot = (b[0] - a[0]) * (d[0] - a[0]) + (b[1] - a[1]) * (d[1] - a[1]);
    expect(dot).toBeCloseTo(0, 9);
    expect(c).toEqual([3, 9]);
  });

  it("never becomes nothing", () => {
    const flat = dragCorner(BOX, 2, [0, 0]);
    expect(flat[1]?.[0]).toBeCloseTo(0.08, 9);
  });

  it("moves whole, and is found by its nearest corner", () => {
    expect(move(BOX, [1, 2])[0]).toEqual([1, 2]);
    expect([cornerAt(BOX, [3.9, -0.1], 0.5), cornerAt(BOX, [2, -1], 0.5)]).toEqual([1, -1]);
  });

  it("is drawn along the scene's rows", () => {
    expect(boxBetween([0, 0], [4, -2], axes({ crs: null, transform: [1, 0, 0, 0, 1, 0] }))).toEqual(BOX);
    expect(axes({ crs: "EPSG:32617", transform: [0.1, 0, 4e5, 0, -0.1, 3e6] })).toEqual([[1, 0], [0, -1]]);
  });
});

it("names a detection's annotation as Python's uuid5 does", () => {
  // uuid.uuid5(uuid.UUID("550235ab-f3b4-5ef0-8317-437b8e368911"), "12")
  expect(detectionAnnotation("550235ab-f3b4-5ef0-8317-437b8e368911", 12)).toBe("0cb17dd7-4811-5117-91e4-6631ca571dea");
  expect(newAnnotation()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
