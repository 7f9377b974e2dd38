import { expect, it } from "vitest";
import { unwrap } from "./unwrap";

it("leaves a ring on one side as it is", () => {
  const ring = [[1, 2], [3, 2], [3, 4], [1, 2]];
  expect(unwrap(ring)).toEqual(ring);
});

it("runs on across the antimeridian and comes back", () => {
  const ring = [[179, 60], [-179, 60], [-179, 61], [179, 61], [179, 60]];
  expect(unwrap(ring)).toEqual([[179, 60], [181, 60], [181, 61], [179, 61], [179, 60]]);
});

it("closes a ring around a pole along the edge of the map", () => {
  const ring = [[-180, -70], [-60, -72], [60, -71], [179, -70], [-180, -70]];
  const flat = unwrap(ring);
  expect(flat.slice(0, 5).map(([longitude]) => longitude)).toEqual([-180, -60, 60, 179, 180]);
  expect(flat.slice(5)).toEqual([[180, -85.05], [-180, -85.05], [-180, -70]]);
});
