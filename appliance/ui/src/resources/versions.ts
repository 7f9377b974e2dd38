/** Semantic versions: which is newer, and which comes next. Pure. */

type Numbers = [major: number, minor: number, patch: number];

export function numbersOf(version: string): Numbers {
  const [major = 0, minor = 0, patch = 0] = (/^\d+\.\d+\.\d+/.exec(version)?.[0] ?? "").split(".").map(Number);
  return [major, minor, patch];
}

export function newestFirst<T extends { version: string }>(all: readonly T[]): T[] {
  return [...all].sort((a, b) => compare(b.version, a.version));
}

/** The next minor version after all that are known; 1.0.0 where there is none. */
export function nextMinor(known: readonly string[]): string {
  const [newest] = [...known].sort((a, b) => compare(b, a));
  if (newest === undefined) return "1.0.0";
  const [major, minor] = numbersOf(newest);
  return `${major}.${minor + 1}.0`;
}

function compare(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  const place = left.findIndex((value, index) => value !== right[index]);
  return place < 0 ? b.length - a.length : (left[place] ?? 0) - (right[place] ?? 0);
}
