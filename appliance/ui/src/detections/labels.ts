/** Hiding and showing classes. Pure. */

export function toggleLabel(hidden: readonly string[], label: string): string[] {
  return hidden.includes(label) ? hidden.filter((each) => each !== label) : [...hidden, label];
}

/** The last level of a class's path: what a list has room for. */
export function shortLabel(label: string): string {
  return label.split("/").at(-1) ?? label;
}
