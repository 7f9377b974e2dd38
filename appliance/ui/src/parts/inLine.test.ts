import { expect, test } from "vitest";
import { inLine, ordinal } from "./inLine";

const waiting = { position: 3, starts_in_seconds: 40.4, ends_in_seconds: null, waits_for: "" };

test("a run says its place in line, and about when it starts where that is known", () => {
  expect(inLine(waiting)).toBe("3rd in line, about 40\u202fs");
  expect(inLine({ ...waiting, position: 1, starts_in_seconds: 0.2 })).toBe("next in line, about 1\u202fs");
  expect(inLine({ ...waiting, position: 2, starts_in_seconds: null })).toBe("2nd in line");
});

test("a run that nobody can do says what it waits for", () => {
  expect(inLine({ ...waiting, position: null, waits_for: "no worker of crowns is running" })).toBe("no worker of crowns is running");
  expect(inLine(null)).toBe("waiting for a worker");
});

test("ordinals are English", () => {
  expect([1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111].map(ordinal)).toEqual(["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th"]);
});
