/** The keys of annotating: they act where a shape is selected, and leave the key to others where none is. */
import { sceneMap } from "../map/live";
import { onMap, pressInTheMiddle } from "../map/press";
import { adjust } from "../state/navigation";
import type { Workspace } from "../state/workspace";
import { judge, remove, step } from "./acts";
import { target } from "./select";
import { drawing, tool, type Tool } from "./tool";
import { standing } from "./work";

interface Annotating {
  key: string;
  shown: string;
  what: string;
  /** Also where keys of one letter are switched off. */
  named?: boolean;
  possible: (workspace: Workspace) => boolean;
  act: () => void;
}

const selected = () => target() !== null;
const detection = () => target()?.origin != null;
const ready = ({ item }: Workspace) => item?.state === "ready";

export const ANNOTATE: Annotating[] = [
  { key: "a", shown: "A", what: "Accept the selected detection, go to the next", possible: detection, act: () => judge("accepted") },
  { key: "r", shown: "R", what: "Reject the selected detection, go to the next", possible: detection, act: () => judge("rejected") },
  { key: "e", shown: "E", what: "Edit the selected shape: drag corners, or the whole", possible: selected, act: () => take("edit") },
  { key: "delete", shown: "Del", what: "Delete the annotation of the selected shape", named: true, possible: () => standing(target()?.id ?? "") !== null, act: remove },
  { key: "b", shown: "B", what: "Draw a box", possible: ready, act: () => take("box") },
  { key: "p", shown: "P", what: "Draw a polygon", possible: ready, act: () => take("polygon") },
  { key: "m", shown: "M", what: "Measure a length and an area", possible: ready, act: () => take("measure") },
  { key: " ", shown: "Space", what: "Set a corner in the middle of the map, while drawing or measuring", named: true, possible: () => drawing() && onMap(), act: pressInTheMiddle },
];

export function annotateBinding(key: string, workspace: Workspace, letters: boolean): (() => void) | null {
  const found = ANNOTATE.find((each) => each.key === key.toLowerCase() && (letters || each.named === true));
  return found?.possible(workspace) ? found.act : null;
}

/** Takes a tool in hand, or lays it down. Shapes that cannot be seen cannot be edited. */
export function take(next: Tool): void {
  tool.set((before) => (before === next ? "none" : next));
  if (next === "edit") adjust({ detections: true });
  // The arrow keys move the map under the tool.
  if (drawing()) sceneMap.get()?.map.getTargetElement()?.focus();
}

export function stopTool(): boolean {
  const busy = tool.get() !== "none";
  tool.set("none");
  return busy;
}

/** Ctrl+Z, Ctrl+Shift+Z and Ctrl+Y, except where somebody types. */
export function actOnPast(event: KeyboardEvent): boolean {
  const key = event.key.toLowerCase();
  if (!(event.ctrlKey || event.metaKey) || event.altKey || (key !== "z" && key !== "y")) return false;
  const typing = event.target instanceof HTMLTextAreaElement || (event.target instanceof HTMLInputElement && event.target.type === "text");
  if (typing || document.querySelector("dialog[open]")) return false;
  step(key === "z" && !event.shiftKey);
  return true;
}
