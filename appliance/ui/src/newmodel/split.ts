/** Which scenes a model learns from, by which its weights are chosen, on which it is measured. Pure.
 *
 * A scene's own content says where it belongs, so that it stays there while the dataset grows (from ten scenes on, when
 * some are kept for the measure): what a later model is measured on, an earlier one, with which it begins, has not learnt
 * from either. */

export interface Scene {
  name: string;
  /** `sha256:` and 64 hexadecimal digits. */
  sha256: string;
  /** In pixels. */
  width: number;
  height: number;
}

export interface Window {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** As the API takes it: no windows means the whole scene. */
export interface Part {
  name: string;
  windows: Window[];
}

export interface Split {
  train: Part[];
  validation: Part[];
  /** Empty: too few scenes to keep some apart. */
  test: Part[];
}

const VALIDATION = 0.2;
const TEST = 0.15;
/** Fewer than this are too few to keep some for the measure alone. */
const ENOUGH_FOR_TEST = 10;
const QUARTERS = 4;

/** 0 to 1, evenly, of the content alone. */
export function shareOf(sha256: string): number {
  return parseInt(sha256.replace("sha256:", "").slice(0, 8), 16) / 2 ** 32;
}

/** Every way to split, the best first; a single scene is split into windows, and labels may lie in a part of it only. */
export function splits(scenes: readonly Scene[]): Split[] {
  const [only] = scenes;
  if (only === undefined) return [];
  if (scenes.length === 1) return [3, 0, 1, 2].map((quarter) => byWindow(only, quarter));
  return [byScene(scenes)];
}

function byScene(scenes: readonly Scene[]): Split {
  const sorted = scenes.map((scene) => ({ part: { name: scene.name, windows: [] }, share: shareOf(scene.sha256), sha256: scene.sha256 })).sort((a, b) => a.share - b.share || a.sha256.localeCompare(b.sha256));
  const inside = (from: number, to: number) => sorted.filter(({ share }) => share >= from && share < to).length;
  // Both have to hold something, whatever the draw: the scenes nearest to the bound go over it.
  const validation = Math.min(sorted.length - 1, Math.max(1, inside(0, VALIDATION)));
  const test = sorted.length < ENOUGH_FOR_TEST ? 0 : Math.min(sorted.length - validation - 1, inside(VALIDATION, VALIDATION + TEST));
  const parts = sorted.map(({ part }) => part);
  return { validation: parts.slice(0, validation), test: parts.slice(validation, validation + test), train: parts.slice(validation + test) };
}

/** A quarter along the longer side is kept for validation. */
function byWindow({ name, width, height }: Scene, quarter: number): Split {
  const wide = width >= height;
  const length = wide ? width : height;
  const [from, to] = [Math.floor((length * quarter) / QUARTERS), Math.floor((length * (quarter + 1)) / QUARTERS)];
  const window = (start: number, end: number): Window => (wide ? { x: start, y: 0, width: end - start, height } : { x: 0, y: start, width, height: end - start });
  const around = [window(0, from), window(to, length)].filter((each) => each.width > 0 && each.height > 0);
  return { train: [{ name, windows: around }], validation: [{ name, windows: [window(from, to)] }], test: [] };
}
