import { describe, expect, it } from "vitest";
import { area, distance, length, type LonLat } from "./geodesy";
import { measure } from "./measured";

// References: GeographicLib (Karney) by way of pyproj 3, WGS 84.
describe("on the ellipsoid", () => {
  it("lengths are right to the millimetre", () => {
    const flinders: LonLat = [144.42486788888888, -37.95103341666667];
    const buninyong: LonLat = [143.92649552777777, -37.65282113888889];
    expect(distance(flinders, buninyong)).toBeCloseTo(54972.27114, 3);
    expect(distance([10, 60], [10.5, 60])).toBeCloseTo(27899.934389, 3);
    expect(distance(flinders, flinders)).toBe(0);
    expect(distance([0, 0], [180, 0])).toBeGreaterThan(2e7);
  });

  it("areas are right to a hundred-thousandth", () => {
    const ring: LonLat[] = [[-81.99, 29.69], [-81.98, 29.691], [-81.979, 29.7], [-81.991, 29.699]];
    expect(area(ring) / 1062052.7518).toBeCloseTo(1, 5);
    expect(length(ring)).toBeCloseTo(3143.064931, 3);
    // A degree by a degree at the equator; its upper edge is a parallel here, a geodesic there.
    expect(area([[0, 0], [1, 0], [1, 1], [0, 1]]) / 12308778361.47).toBeCloseTo(1, 4);
  });
});

it("a picture without georeference is measured in pixels", () => {
  const square = [[0, 0], [3, 0], [3, -4], [0, -4]];
  expect(measure(square, false)).toEqual({ length: 10, area: 12 });
  expect(measure(square.slice(0, 2), false)).toEqual({ length: 3, area: null });
  expect(measure([], true)).toEqual({ length: 0, area: null });
});
