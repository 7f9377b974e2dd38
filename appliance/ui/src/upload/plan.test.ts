import { describe, expect, it } from "vitest";
import { planParts } from "./plan";

const MB = 1 << 20;
const part = (number: number, size_bytes: number, done: boolean, url: string | null = done ? null : `http://store/${number}`) => ({ number, size_bytes, done, url });

describe("the plan of an upload", () => {
  it("sends each byte of a fresh file once", () => {
    const plan = planParts({ part_size_bytes: 5 * MB, expires_at: "", parts: [part(1, 5 * MB, false), part(2, 5 * MB, false), part(3, 7, false)] }, 10 * MB + 7);
    expect(plan.parts.map(({ start, end }) => [start, end])).toEqual([
      [0, 5 * MB],
      [5 * MB, 10 * MB],
      [10 * MB, 10 * MB + 7],
    ]);
    expect(plan.doneBytes).toBe(0);
  });

  it("goes on where it stopped", () => {
    const plan = planParts({ part_size_bytes: 10, expires_at: "", parts: [part(1, 10, true), part(2, 10, false), part(3, 4, true)] }, 24);
    expect(plan.parts.map((each) => each.number)).toEqual([2]);
    expect(plan.doneBytes).toBe(14);
  });

  it("waits for addresses it was not given", () => {
    const plan = planParts({ part_size_bytes: 10, expires_at: "", parts: [part(1, 10, false), part(2, 10, false, null)] }, 20);
    expect(plan.parts).toHaveLength(1);
    expect(plan.waiting).toBe(1);
  });
});
