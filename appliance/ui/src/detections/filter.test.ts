import { describe, expect, it } from "vitest";
import type { Annotation, Evaluation } from "../api/client";
import { ANY, bars, countAtLeast, judged, measuresOf, passes, pointAt, sizeInPixels, snap } from "./filter";

describe("filtering", () => {
  it("keeps the score at the threshold and drops hidden classes", () => {
    const filter = { threshold: 0.4, hidden: new Set(["dead"]), size: ANY, area: ANY };
    const one = { score: 0.4, label: "crown", size: null, area: null };
    expect(passes(filter, one)).toBe(true);
    expect(passes(filter, { ...one, score: 0.399 })).toBe(false);
    expect(passes(filter, { ...one, score: 0.9, label: "dead" })).toBe(false);
  });

  it("keeps what is as large as both bounds, and drops what has no size where one is asked for", () => {
    const filter = { threshold: 0, hidden: new Set<string>(), size: sizeInPixels([2, 3], 0.1), area: [null, 9] as const };
    const one = { score: 1, label: "crown", size: 20, area: 9 };
    expect(filter.size).toEqual([20, 30]);
    expect([one, { ...one, size: 30 }].every((each) => passes(filter, each))).toBe(true);
    expect([{ ...one, size: 19.9 }, { ...one, size: 30.1 }, { ...one, size: null }, { ...one, area: 9.1 }].some((each) => passes(filter, each))).toBe(false);
    expect(measuresOf(filter)).toEqual({ min_size: 20, max_size: 30, min_area: undefined, max_area: 9 });
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

it("counts what people have judged of one run", () => {
  const said = [["accepted", "a"], ["accepted", "a"], ["rejected", "a"], ["rejected", "b"]].map(([verdict, run_id]) => ({ verdict, deleted: false, origin: { run_id, ordinal: 1 } }) as unknown as Annotation);
  const deleted = { ...said[0], deleted: true } as Annotation;
  expect(judged([...said, deleted, { verdict: "accepted", origin: null } as unknown as Annotation], "a")).toEqual({ right: 2, wrong: 1 });
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
