/** Which key does what. One list: the keyboard obeys it and the help shows it. */
import { swapSides, toggleCompare } from "../compare/acts";
import { chosenSide, sides } from "../compare/sides";
import { actOnPast } from "../annotate/keys";
import { pickFiles } from "../scenes/pick";
import { sceneMap, inView } from "../map/live";
import { turn } from "../map/turn";
import { helpOpen, paletteOpen } from "../palette/open";
import { runDetector } from "../state/actions";
import { adjust, getAddress, go, openScene } from "../state/navigation";
import { toggleTheme } from "../state/preferences";
import { newestDetectors, type Workspace } from "../state/workspace";
import { toggleLabel } from "../detections/labels";

export interface Binding {
  /** As KeyboardEvent.key, lower case. */
  keys: string[];
  shown: string;
  what: string;
  /** Where it does something; everywhere, where this says nothing. */
  possible?: (workspace: Workspace) => boolean;
  act: (workspace: Workspace, key: string) => void;
}

const STEP = 0.01;
const TURN = 15;

const scenes = ({ items }: Workspace) => items.length > 0;
const ready = ({ item }: Workspace) => item?.state === "ready";
const detections = ({ item, drawable }: Workspace) => item?.state === "ready" && drawable;
const comparing = () => getAddress().compare !== null;

export const BINDINGS: Binding[] = [
  { keys: ["f"], shown: "F", what: "Next scene", possible: scenes, act: (workspace) => stepScene(workspace, 1) },
  { keys: ["d"], shown: "D", what: "Previous scene", possible: scenes, act: (workspace) => stepScene(workspace, -1) },
  { keys: ["u"], shown: "U", what: "Add scenes", possible: ({ dataset }) => dataset !== null, act: pickFiles },
  { keys: ["r"], shown: "R", what: "Run the detector on this scene", possible: (workspace) => ready(workspace) && workspace.detectors.length > 0, act: runNewest },
  { keys: ["]"], shown: "]", what: "Raise the lowest score shown", possible: detections, act: (workspace) => shift(workspace, STEP) },
  { keys: ["["], shown: "[", what: "Lower the lowest score shown", possible: detections, act: (workspace) => shift(workspace, -STEP) },
  { keys: ["\\"], shown: "\\", what: "Back to the running point", possible: detections, act: () => adjust({ threshold: null }) },
  { keys: ["."], shown: ".", what: "Next detection in view", possible: detections, act: () => stepShape(1) },
  { keys: [","], shown: ",", what: "Previous detection in view", possible: detections, act: () => stepShape(-1) },
  { keys: ["h"], shown: "H", what: "Detections on and off", possible: detections, act: () => adjust({ detections: !getAddress().detections }) },
  { keys: ["a"], shown: "A", what: "Annotations on and off", possible: ready, act: () => adjust({ annotations: !getAddress().annotations }) },
  { keys: ["c"], shown: "C", what: "Compare, or stop", possible: ready, act: toggleCompare },
  { keys: ["x"], shown: "X", what: "Swap the sides of a comparison", possible: comparing, act: swap },
  { keys: ["1", "2", "3", "4", "5", "6", "7", "8", "9"], shown: "1 – 9", what: "A class on and off", possible: detections, act: toggleClass },
  { keys: ["+", "="], shown: "+", what: "Zoom in", act: () => sceneMap.get()?.zoomBy(1) },
  { keys: ["-"], shown: "−", what: "Zoom out", act: () => sceneMap.get()?.zoomBy(-1) },
  { keys: ["0"], shown: "0", what: "Fit the scene", act: () => sceneMap.get()?.fit() },
  { keys: ["q"], shown: "Q", what: "Turn the map to the left", act: () => turn(sceneMap.get(), -TURN) },
  { keys: ["w"], shown: "W", what: "Turn the map to the right", act: () => turn(sceneMap.get(), TURN) },
  { keys: ["n"], shown: "N", what: "North up", act: () => turn(sceneMap.get(), null) },
  { keys: ["t"], shown: "T", what: "Dark or light", act: toggleTheme },
];

/** Keys that always work, also with letter keys switched off. */
export const ALWAYS: { shown: string; what: string }[] = [
  { shown: "Ctrl K", what: "Find scenes, detectors, places, commands" },
  { shown: "Ctrl Z", what: "Undo the last annotation" },
  { shown: "Ctrl Shift Z", what: "Do it again" },
  { shown: "F1", what: "These keys" },
  { shown: "Arrows", what: "Move the map, when it has the focus" },
  { shown: "Esc", what: "Close, or let the selection go" },
];

/** Acts on keys that work everywhere; true when it did. */
export function actAlways(event: KeyboardEvent): boolean {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    paletteOpen.set(true);
    return true;
  }
  if (event.key === "F1") {
    helpOpen.set(true);
    return true;
  }
  return actOnPast(event);
}

function stepScene({ items }: Workspace, step: number): void {
  const at = items.findIndex((item) => item.id === getAddress().scene);
  const next = items[at < 0 ? 0 : (at + step + items.length) % items.length];
  if (next) openScene(next.id);
}

function stepShape(step: number): void {
  const { shapes } = inView.get();
  const at = shapes.findIndex((shape) => shape.ordinal === getAddress().selection);
  const next = shapes[at < 0 ? 0 : (at + step + shapes.length) % shapes.length];
  if (!next) return;
  go({ selection: next.ordinal, annotation: null });
  sceneMap.get()?.reveal(next.extent);
}

function shift({ filter }: Workspace, step: number): void {
  adjust({ threshold: Math.min(1, Math.max(0, Number((filter.threshold + step).toFixed(3)))) });
}

function runNewest({ item, detectors }: Workspace): void {
  const detector = newestDetectors(detectors)[0];
  if (item?.state === "ready" && detector) runDetector(item, detector);
}

function swap(workspace: Workspace): void {
  const { item, run, items, runs } = workspace;
  const { compare, other } = getAddress();
  const right = compare !== null && item ? chosenSide(sides(item, run, items, runs), other) : null;
  if (right) swapSides(workspace, right);
}

function toggleClass({ labels }: Workspace, key: string): void {
  const label = labels[Number(key) - 1];
  if (label !== undefined) adjust({ hidden: toggleLabel(getAddress().hidden, label) });
}
