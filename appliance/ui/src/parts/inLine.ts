/** What is said of a run that waits: its place in line and when it starts, or what is missing. Pure. */
import type { Run } from "../api/client";
import { duration } from "./numbers";

export function inLine(waiting: Run["waiting"]): string {
  if (!waiting) return "waiting for a worker";
  if (waiting.waits_for) return waiting.waits_for;
  if (waiting.position === null) return "waiting for a worker";
  const place = waiting.position === 1 ? "next in line" : `${ordinal(waiting.position)} in line`;
  return waiting.starts_in_seconds === null ? place : `${place}, about ${duration(Math.max(1, waiting.starts_in_seconds))}`;
}

/** English: 2nd, 3rd, 11th, 21st. */
export function ordinal(value: number): string {
  const tens = value % 100;
  const ending = tens >= 11 && tens <= 13 ? "th" : (["th", "st", "nd", "rd"][value % 10] ?? "th");
  return `${value}${ending}`;
}
