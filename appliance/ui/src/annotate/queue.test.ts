import { describe, expect, it } from "vitest";
import type { Change, Stand } from "./model";
import { answered, enqueue, pending, readBack, refused, type Entry } from "./queue";

const stand = (label: string): Stand => ({ verdict: "accepted", label, shape: "box", rings: null, origin: null });
const change = (id: string, label: string | null): Change => ({ item: "scene", id, before: null, after: label === null ? null : stand(label) });

describe("the queue", () => {
  const two = enqueue(enqueue(enqueue([], change("a", "one"), 0), change("b", "other"), 4), change("a", null), 0);

  it("keeps the order, and lets a change wait for the revision of the one before", () => {
    expect(two.map(({ id, base }) => [id, base])).toEqual([["a", 0], ["b", 4], ["a", null]]);
  });

  it("tells what will stand", () => {
    expect(pending(two, "a")).toBeNull();
    expect(pending(two, "b")).toEqual(stand("other"));
    expect(pending(two, "c")).toBeUndefined();
  });

  it("hands an answer's revision to the next of the same alone", () => {
    const three = enqueue(two, change("a", "again"), 0);
    expect(answered(three, 7).map(({ id, base }) => [id, base])).toEqual([["b", 4], ["a", 7], ["a", null]]);
  });

  it("drops with a refused change what was built on it, and nothing else", () => {
    expect(refused(two).map(({ id }) => id)).toEqual(["b"]);
  });

  it("survives the browser's store, and what is none of it", () => {
    expect(readBack(JSON.stringify(two))).toEqual(two);
    for (const text of [null, "", "{", "{}", "[1, null]", '[{"id": 1}]']) expect(readBack(text)).toEqual<Entry[]>([]);
  });
});
