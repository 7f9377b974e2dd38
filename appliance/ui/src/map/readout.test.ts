import { describe, expect, it } from "vitest";
import { latLon, mgrsText, parsePlace, scaleBar, scaleDenominator } from "./readout";

describe("coordinates as text", () => {
  it("are written with their hemisphere", () => {
    expect(latLon(29.6925, -81.98989)).toBe("29.69250°\u202fN 81.98989°\u202fW");
  });

  it("are the military grid to the metre", () => {
    // The White House, a reference point printed in many tables.
    expect(mgrsText(38.8977, -77.0365)).toMatch(/^18S UJ 233\d\d 073\d\d$/);
    expect(mgrsText(-89, 0)).toBe("");
    expect(mgrsText(0, 540)).toBe(mgrsText(0, 180));
  });
});

describe("a typed place", () => {
  it.each([
    ["29.68, -81.99", 29.68, -81.99],
    ["29.68 81.99", 29.68, 81.99],
    ["29.68N 81.99W", 29.68, -81.99],
    ["33.9° S, 18.4° E", -33.9, 18.4],
  ])("understands %s", (text, latitude, longitude) => {
    expect(parsePlace(text)).toEqual({ latitude, longitude });
  });

  it("understands the military grid, with and without spaces", () => {
    const spaced = parsePlace("18S UJ 23394 07395");
    expect(spaced?.latitude).toBeCloseTo(38.8977, 3);
    expect(parsePlace("18suj2339407395")).toEqual(spaced);
  });

  it.each(["", "A2", "91, 0", "0, 181", "OSBS_029.tif", "1,2,3"])("takes %j for something else", (text) => {
    expect(parsePlace(text)).toBeNull();
  });
});

describe("the scale bar", () => {
  it.each([
    [0.1, 10],
    [1, 100],
    [0.037, 2],
    [1234, 100000],
  ])("at %d metres a pixel is %d metres long", (resolution, length) => {
    const bar = scaleBar(resolution, 110);
    expect(bar.length).toBeCloseTo(length, 6);
    expect(bar.pixels).toBeLessThanOrEqual(110);
    expect(bar.pixels).toBeGreaterThan(40);
  });

  it("reads as 1:n at 96 pixels to the inch", () => {
    expect(scaleDenominator(0.264583)).toBe(1000);
  });
});
