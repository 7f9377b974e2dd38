import { describe, expect, it } from "vitest";
import { formatAddress, NOWHERE, parseAddress, type Address } from "./address";

const FULL: Address = {
  dataset: "port-survey",
  scene: "a54ea889-aa7c-5acf-b3a8-7c31d27eea9e",
  run: "550235ab-f3b4-5ef0-8317-437b8e368911",
  threshold: 0.41,
  selection: 12,
  annotation: "0d6a5a2e-9a0c-4a7e-8f3e-2b1c4d5e6f70",
  hidden: ["tree/dead", "tree/shrub, low"],
  size: [2, 15.5],
  area: [null, 40],
  place: { first: 29.692512, second: -81.989892, zoom: 21.33, turn: 15.5 },
  annotations: true,
  detections: false,
  complete: true,
  bands: [4, 3, 2],
  rescale: [120, 3000.5],
  compare: "swipe",
  other: "run:550235ab-f3b4-5ef0-8317-437b8e368912",
  otherThreshold: 0.62,
  split: 0.275,
  differences: true,
};

describe("the address", () => {
  it("says everything and reads it back", () => {
    expect(parseAddress(formatAddress(FULL).slice(1))).toEqual(FULL);
  });

  it("is empty where nothing is chosen", () => {
    expect(formatAddress(NOWHERE)).toBe("/");
    expect(parseAddress("")).toEqual(NOWHERE);
  });

  it("is the same however the hidden classes were chosen", () => {
    expect(formatAddress({ ...FULL, hidden: [...FULL.hidden].reverse() })).toBe(formatAddress(FULL));
  });

  it.each([
    ["?t=2", "threshold", 1],
    ["?t=-1", "threshold", 0],
    ["?t=high", "threshold", null],
    ["?t=", "threshold", null],
    ["?sel=1.5", "selection", null],
    ["?sel=-1", "selection", null],
    ["?at=1,2", "place", null],
    ["?at=1,2,x", "place", null],
    ["?at=1,2,99", "place", { first: 1, second: 2, zoom: 30, turn: 0 }],
    ["?at=1,2,3,-90", "place", { first: 1, second: 2, zoom: 3, turn: 270 }],
    ["?bands=1,2", "bands", null],
    ["?bands=0,1,2", "bands", null],
    ["?stretch=9,1", "rescale", null],
    ["?size=3..", "size", [3, null]],
    ["?size=3", "size", [null, null]],
    ["?area=-1..x", "area", [null, null]],
    ["?compare=blink", "compare", null],
    ["?with=scene:1", "other", null],
    ["?split=7", "split", 1],
  ])("makes the best of %s", (search, key, value) => {
    expect(parseAddress(search)[key as keyof Address]).toEqual(value);
  });
});
