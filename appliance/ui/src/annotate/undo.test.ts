import { expect, it } from "vitest";
import type { Change, Stand } from "./model";
import { inverse } from "./model";
import { did, NOTHING, redone, undone, without } from "./undo";

const stand: Stand = { verdict: "accepted", label: "tree", shape: "box", rings: null, origin: null };
const change = (id: string): Change => ({ item: "scene", id, before: null, after: stand });

it("undoes the last first and does it again in order", () => {
  const past = did(did(NOTHING, change("a")), change("b"));
  const first = undone(past);
  const second = undone(first.past);
  expect([first.change?.id, second.change?.id]).toEqual(["b", "a"]);
  expect(undone(second.past).change).toBeNull();
  const again = redone(second.past);
  expect(again.change?.id).toBe("a");
  expect(redone(again.past).change?.id).toBe("b");
});

it("forgets what was undone once something new is done", () => {
  const past = did(undone(did(NOTHING, change("a"))).past, change("b"));
  expect(redone(past).change).toBeNull();
});

it("turns a change around, twice to itself", () => {
  expect(inverse(change("a"))).toEqual({ item: "scene", id: "a", before: stand, after: null });
  expect(inverse(inverse(change("a")))).toEqual(change("a"));
});

it("forgets an annotation that somebody else has changed", () => {
  const past = did(did(NOTHING, change("a")), change("b"));
  expect(undone(without(past, "b")).change?.id).toBe("a");
});
