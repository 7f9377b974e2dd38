import { expect, it } from "vitest";
import { shareOf, splits, type Scene } from "./split";

const scene = (name: string, share: number): Scene => ({ name, sha256: `sha256:${Math.floor(share * 2 ** 32).toString(16).padStart(8, "0")}${"0".repeat(56)}`, width: 400, height: 200 });
const names = (parts: { name: string }[]) => parts.map(({ name }) => name);
const many = (count: number) => Array.from({ length: count }, (_, index) => scene(`s${index}`, (index + 0.5) / count));

it("draws a scene by its content, evenly", () => {
  expect(shareOf(scene("a", 0.25).sha256)).toBeCloseTo(0.25, 6);
});

it("keeps a fifth for validation, and some for the measure where there are enough", () => {
  const [split] = splits(many(20));
  expect(split?.validation).toHaveLength(4);
  expect(split?.test).toHaveLength(3);
  expect(split?.train).toHaveLength(13);
  expect(splits(many(9))[0]?.test).toEqual([]);
});

it("leaves a scene where it was when others come", () => {
  const before = splits(many(20))[0];
  const after = splits([...many(20), scene("new", 0.05), scene("newer", 0.9)])[0];
  for (const set of ["train", "validation", "test"] as const) expect(names(after?.[set] ?? [])).toEqual(expect.arrayContaining(names(before?.[set] ?? [])));
});

it.each([[[0.9, 0.95]], [[0.01, 0.02]], [[0.5, 0.5]]])("has something in both of two scenes at %j", (shares) => {
  const [split] = splits(shares.map((share, index) => scene(`s${index}`, share)));
  expect([split?.train.length, split?.validation.length]).toEqual([1, 1]);
});

it("never shows a scene to two sets, and loses none", () => {
  for (let count = 2; count < 60; count += 1) {
    const [split] = splits(many(count));
    const all = [...names(split?.train ?? []), ...names(split?.validation ?? []), ...names(split?.test ?? [])];
    expect(new Set(all).size).toBe(count);
    expect(all).toHaveLength(count);
  }
});

it("splits a single scene into windows that touch but do not overlap", () => {
  const all = splits([scene("only", 0.3)]);
  expect(all).toHaveLength(4);
  for (const { train, validation } of all) {
    const windows = [...(train[0]?.windows ?? []), ...(validation[0]?.windows ?? [])].sort((a, b) => a.x - b.x);
    expect(windows.reduce((sum, each) => sum + each.width * each.height, 0)).toBe(400 * 200);
    windows.forEach((each, index) => expect(each.x).toBe(index === 0 ? 0 : (windows[index - 1]?.x ?? 0) + (windows[index - 1]?.width ?? 0)));
  }
  expect(splits([])).toEqual([]);
});
