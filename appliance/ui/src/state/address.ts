/** The address is the state: what the page shows, to and from the query string. Pure. */

/** Where the map looks: latitude and longitude in degrees, or x and y in pixels for a scene without georeference. */
export interface Place {
  first: number;
  second: number;
  zoom: number;
  /** Degrees that the map is turned clockwise; 0: north up. */
  turn: number;
}

/** How the scene's bands become a picture; null means as recorded with the scene. */
export interface Display {
  bands: number[] | null;
  rescale: [number, number] | null;
}

/** A size or an area, from and to; null: no bound. */
export type Bounds = [number | null, number | null];

/** Two layers over one place: what the right side shows, and how. */
export interface Comparing {
  compare: "swipe" | "side" | null;
  /** The right side: `annotations`, `run:ID` or `scene:ID` (compare/sides.ts). */
  other: string | null;
  /** The lowest score shown on the right; null: its detector's running point. */
  otherThreshold: number | null;
  /** Where the divider stands, as a share of the map's width. */
  split: number;
  /** What is on both sides steps back. */
  differences: boolean;
}

export interface Address extends Display, Comparing {
  dataset: string | null;
  scene: string | null;
  run: string | null;
  threshold: number | null;
  selection: number | null;
  /** The annotation that is selected, where it is not that of a detection. */
  annotation: string | null;
  hidden: string[];
  /** Longer side in metres, or pixels without georeference. */
  size: Bounds;
  /** In square metres, or square pixels. */
  area: Bounds;
  place: Place | null;
  annotations: boolean;
  detections: boolean;
  /** The analyst says that every object of the scene is annotated. */
  complete: boolean;
}

export const NOWHERE: Address = {
  dataset: null,
  scene: null,
  run: null,
  threshold: null,
  selection: null,
  annotation: null,
  hidden: [],
  size: [null, null],
  area: [null, null],
  place: null,
  annotations: false,
  detections: true,
  complete: false,
  bands: null,
  rescale: null,
  compare: null,
  other: null,
  otherThreshold: null,
  split: 0.5,
  differences: false,
};

export function parseAddress(search: string): Address {
  const query = new URLSearchParams(search);
  const threshold = number(query.get("t"));
  const selection = number(query.get("sel"));
  const bands = numbers(query.get("bands"));
  const rescale = numbers(query.get("stretch"));
  return {
    dataset: query.get("dataset"),
    scene: query.get("scene"),
    run: query.get("run"),
    threshold: threshold === null ? null : share(threshold),
    selection: selection !== null && Number.isInteger(selection) && selection >= 0 ? selection : null,
    annotation: /^[0-9a-f-]{36}$/.test(query.get("shape") ?? "") ? query.get("shape") : null,
    hidden: query.getAll("hide"),
    size: bounds(query.get("size")),
    area: bounds(query.get("area")),
    place: place(query.get("at")),
    annotations: query.get("annotations") === "1",
    detections: query.get("detections") !== "0",
    complete: query.get("complete") === "1",
    bands: (bands?.length === 1 || bands?.length === 3) && bands.every((band) => Number.isInteger(band) && band > 0) ? bands : null,
    rescale: rescale?.length === 2 && (rescale[0] ?? 0) < (rescale[1] ?? 0) ? [rescale[0] ?? 0, rescale[1] ?? 1] : null,
    ...comparing(query),
  };
}

export function formatAddress(address: Address): string {
  const query = new URLSearchParams();
  const put = (key: string, value: string | number | null) => {
    if (value !== null) query.set(key, String(value));
  };
  put("dataset", address.dataset);
  put("scene", address.scene);
  put("at", address.place && formatPlace(address.place));
  put("run", address.run);
  put("t", address.threshold === null ? null : round(address.threshold, 3));
  put("sel", address.selection);
  put("shape", address.annotation);
  for (const label of [...address.hidden].sort()) query.append("hide", label);
  put("size", formatBounds(address.size));
  put("area", formatBounds(address.area));
  put("annotations", address.annotations ? 1 : null);
  put("detections", address.detections ? null : 0);
  put("complete", address.complete ? 1 : null);
  put("bands", address.bands && address.bands.join(","));
  put("stretch", address.rescale && address.rescale.join(","));
  put("compare", address.compare);
  put("with", address.other);
  put("t2", address.otherThreshold === null ? null : round(address.otherThreshold, 3));
  put("split", address.split === NOWHERE.split ? null : round(address.split, 3));
  put("differences", address.differences ? 1 : null);
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%2F", "/").replaceAll("%3A", ":");
  return text === "" ? "/" : `/?${text}`;
}

/** As `2..15`, `2..` or `..15`. */
function bounds(text: string | null): Bounds {
  const [from, to, ...rest] = (text ?? "").split("..");
  if (to === undefined || rest.length > 0) return [null, null];
  const bound = (part: string | undefined) => {
    const value = number(part ?? "");
    return value === null || value < 0 ? null : value;
  };
  return [bound(from), bound(to)];
}

function formatBounds([from, to]: Bounds): string | null {
  return from === null && to === null ? null : `${from ?? ""}..${to ?? ""}`;
}

function comparing(query: URLSearchParams): Comparing {
  const compare = query.get("compare");
  const other = query.get("with");
  const threshold = number(query.get("t2"));
  return {
    compare: compare === "swipe" || compare === "side" ? compare : null,
    other: other !== null && /^(annotations|(run|scene):[0-9a-f-]{36})$/.test(other) ? other : null,
    otherThreshold: threshold === null ? null : share(threshold),
    split: share(number(query.get("split")) ?? NOWHERE.split),
    differences: query.get("differences") === "1",
  };
}

const share = (value: number): number => Math.min(1, Math.max(0, value));

function place(text: string | null): Place | null {
  const [first, second, zoom, turn = 0, ...rest] = numbers(text) ?? [];
  if (first === undefined || second === undefined || zoom === undefined || rest.length > 0) return null;
  return { first, second, zoom: Math.min(30, Math.max(0, zoom)), turn: ((turn % 360) + 360) % 360 };
}

function formatPlace({ first, second, zoom, turn }: Place): string {
  const parts = [round(first, 6), round(second, 6), round(zoom, 2), ...(round(turn, 1) === 0 ? [] : [round(turn, 1)])];
  return parts.join(",");
}

function numbers(text: string | null): number[] | null {
  if (text === null || text === "") return null;
  const values = text.split(",").map(number);
  return values.every((value) => value !== null) ? values : null;
}

function number(text: string | null): number | null {
  if (text === null || text.trim() === "") return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
