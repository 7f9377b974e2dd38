/** Which objects of two sides are the same one. Pure.
 *
 * As the appliance matches detections to annotations (vision/metrics.py): by falling score, each takes the free one
 * that it overlaps most, from an IoU of 0.4 up.
 */
import RBush from "ol/structs/RBush";
import type { Measured } from "../detections/filter";
import type { Extent } from "../map/geometry";

/** The score is 1 for annotations. */
export interface Found extends Measured {
  id: string;
  /** In the coordinates of the API, the same on both sides. */
  extent: Extent;
}

export const OVERLAP = 0.4;

interface Pair {
  left: Found;
  right: Found;
  overlap: number;
}

export interface Difference {
  onlyLeft: number;
  onlyRight: number;
  both: number;
  /** Ids of what is on both sides. */
  agreedLeft: ReadonlySet<string>;
  agreedRight: ReadonlySet<string>;
}

/** All pairs that could be one object, in the order in which they are taken; independent of any filter. */
export function pairs(left: readonly Found[], right: readonly Found[]): Pair[] {
  const byLabel = shareLabels(left, right);
  const index = new RBush<Found>();
  index.load(right.map((each) => each.extent), [...right]);
  const found: Pair[] = [];
  for (const one of left) {
    for (const other of index.getInExtent(one.extent)) {
      if (byLabel && plain(one.label) !== plain(other.label)) continue;
      const overlap = iou(one.extent, other.extent);
      if (overlap >= OVERLAP) found.push({ left: one, right: other, overlap });
    }
  }
  return found.sort((a, b) => b.left.score - a.left.score || b.overlap - a.overlap);
}

/** The sides compared, of what passes each side's filter. */
export function difference(left: readonly Found[], right: readonly Found[], candidates: readonly Pair[]): Difference {
  const free = new Set([...left, ...right]);
  const agreedLeft = new Set<string>();
  const agreedRight = new Set<string>();
  for (const pair of candidates) {
    if (!free.has(pair.left) || !free.has(pair.right)) continue;
    free.delete(pair.left);
    free.delete(pair.right);
    agreedLeft.add(pair.left.id);
    agreedRight.add(pair.right.id);
  }
  const both = agreedLeft.size;
  return { onlyLeft: left.length - both, onlyRight: right.length - both, both, agreedLeft, agreedRight };
}

export function iou(a: Extent, b: Extent): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (area(a) + area(b) - shared);
}

/** Labels count where both sides know any of the same, as the appliance's evaluation has it. */
function shareLabels(left: readonly Found[], right: readonly Found[]): boolean {
  const known = new Set(right.map((each) => plain(each.label)));
  return left.some((each) => known.has(plain(each.label)));
}

const plain = (label: string): string => label.toLowerCase();
const area = (extent: Extent): number => (extent[2] - extent[0]) * (extent[3] - extent[1]);
