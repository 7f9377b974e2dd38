import { describe, expect, it } from "vitest";
import { finestZoom, fromPlace, groundScale, sceneExtent, toPlace } from "./geometry";

describe("where a scene lies", () => {
  it("is its pixels as metres without georeference", () => {
    const scene = { crs: null, bbox: null, width: 400, height: 300 };
    expect(sceneExtent(scene)).toEqual([0, -300, 400, 0]);
    expect(finestZoom(scene)).toBe(18);
  });

  it("is in Web Mercator with one", () => {
    const [x0, y0, x1, y1] = sceneExtent({ crs: "EPSG:32617", bbox: [-82, 29, -81, 30], width: 1000, height: 1000 });
    expect(x0).toBeCloseTo(-9128198.2, 0);
    expect(x1 - x0).toBeCloseTo(111319.49, 1);
    expect(y1).toBeGreaterThan(y0);
  });

  it("goes on across the antimeridian", () => {
    const [x0, , x1] = sceneExtent({ crs: "EPSG:4326", bbox: [179, -1, -179, 1], width: 10, height: 10 });
    expect(x1 - x0).toBeCloseTo(2 * 111319.49, 1);
  });

  it("stays on the map at a pole", () => {
    const extent = sceneExtent({ crs: "EPSG:3031", bbox: [-180, -90, 180, -60], width: 10, height: 10 });
    expect(extent.every(Number.isFinite)).toBe(true);
  });
});

describe("a place", () => {
  it.each([true, false])("comes back to where it was (georeferenced: %s)", (georeferenced) => {
    const place = toPlace([-9126973.5, 3463851.2], 0.37, 0, georeferenced);
    const [x, y] = fromPlace(place, georeferenced);
    expect(x).toBeCloseTo(-9126973.5, 4);
    expect(y).toBeCloseTo(3463851.2, 4);
  });

  it("counts rows downwards in pixels", () => {
    expect(toPlace([10, -20], 1, -Math.PI / 2, false)).toMatchObject({ first: 10, second: 20, turn: 270 });
  });
});

it("a map metre at 60 degrees is half a metre on the ground", () => {
  const [, y] = fromPlace({ first: 60, second: 0, zoom: 1, turn: 0 }, true);
  expect(groundScale(y)).toBeCloseTo(0.5, 6);
});
