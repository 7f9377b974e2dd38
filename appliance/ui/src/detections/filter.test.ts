import { describe, expect, it } from "vitest";
import type { Evaluation } from "../api/client";
import { bars, countAtLeast, passes, pointAt, snap } from "./filter";

describe("filtering", () => {
  it("keeps the score at the threshold and drops hidden classes", () => {
    const filter = { threshold: 0.4, hidden: new Set(["dead"]) };
    expect(passes(filter, 0.4, "crown")).toBe(true);
    expect(passes(filter, 0.399, "crown")).toBe(false);
    expect(passes(filter, 0.9, "dead")).toBe(false);
  });

  it("counts exactly what it would show, at every edge of a bin", () => {
    const scores = [0, 0.01, 0.29, 0.3, 0.57, 0.58, 0.99, 1];
    const counts = new Array<number>(100).fill(0);
    for (const score of scores) {
      const bin = Math.min(99, Math.floor(score * 100 + 1e-9));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    for (let edge = 0; edge < 100; edge += 1) {
      const threshold = snap(edge / 100, 0.01);
      expect(countAtLeast(counts, threshold)).toBe(scores.filter((score) => score >= threshold).length);
    }
  });

  it("never loses a detection between bars", () => {
    const counts = [4, 0, 0, 1, 16, 9, 3];
    const heights = bars(counts, 3);
    expect(heights).toHaveLength(3);
    expect(Math.max(...heights)).toBe(1);
    expect(heights[2]).toBeCloseTo(Math.sqrt(3 / 26));
  });

  it("draws nothing out of nothing", () => {
    expect(bars([0, 0, 0], 3)).toEqual([0, 0, 0]);
  });
});

describe("precision and recall", () => {
  const at = (threshold: number) => ({ threshold, precision: threshold, recall: 1 - threshold, f1: 0, true_positives: 0, false_positives: 0, false_negatives: 0 });
  const evaluation: Evaluation = { overlap: 0.4, by_label: true, annotations: 3, detections: 3, point: at(0.5), curve: [at(0), at(0.25), at(0.5), at(0.75)] };

  it.each([
    [0, 0],
    [0.25, 0.25],
    [0.49, 0.25],
    [1, 0.75],
  ])("are those of the curve at %d", (threshold, expected) => {
    expect(pointAt(evaluation, threshold).threshold).toBe(expected);
  });
});
