/** Everything that can be done by typing: commands, scenes, datasets, detectors, places. */
import type { Dataset, Session } from "../api/client";
import { signOut } from "../api/session";
import { take } from "../annotate/keys";
import { toggleCompare } from "../compare/acts";
import { sceneMap } from "../map/live";
import { parsePlace } from "../map/readout";
import { turn } from "../map/turn";
import { pickFiles } from "../scenes/pick";
import { deleteItem, runDetector } from "../state/actions";
import { adjust, getAddress, openScene } from "../state/navigation";
import { fail } from "../state/notices";
import { toggleTheme } from "../state/preferences";
import type { Workspace } from "../state/workspace";
import { helpOpen } from "./open";

export interface Command {
  id: string;
  kind: "command" | "scene" | "dataset" | "detector" | "training" | "place";
  title: string;
  keys?: string;
  act: () => void;
}

const PLACE_ZOOM = 17;

export function commandsFor(workspace: Workspace, datasets: Dataset[], session: Session): Command[] {
  const { item, items, detectors } = workspace;
  const ready = item?.state === "ready" ? item : null;
  return [
    ...(ready ? detectors.map((each): Command => ({ id: `run ${each.name} ${each.version}`, kind: "detector", title: `Run ${each.manifest.title || each.name} ${each.version} on ${ready.name}`, act: () => runDetector(ready, each) })) : []),
    { id: "add", kind: "command", title: "Add scenes", keys: "U", act: pickFiles },
    ...(ready ? sceneCommands(workspace) : []),
    { id: "theme", kind: "command", title: "Switch between dark and light", keys: "T", act: toggleTheme },
    { id: "help", kind: "command", title: "Show the keys", keys: "F1", act: () => helpOpen.set(true) },
    ...(item ? [{ id: "delete", kind: "command", title: `Delete ${item.name}`, act: () => deleteItem(item) } satisfies Command] : []),
    ...placeCommands(session),
    { id: "sign-out", kind: "command", title: `Sign out ${session.name}`, act: () => void signOut().catch(fail) },
    ...items.map((each): Command => ({ id: each.id, kind: "scene", title: each.name, act: () => openScene(each.id) })),
    ...datasets.map((each): Command => ({ id: each.id, kind: "dataset", title: each.title || each.name, act: () => openScene(null, each.name) })),
  ];
}

/** The other places of the page, each by an address of its own. */
export function placeCommands(session: Session): Command[] {
  const at = window.location.pathname;
  const places = [
    { id: "detectors", path: "/detectors", title: "Detectors and trainings of the cluster", here: true },
    { id: "status", path: "/status", title: "Status of the machine", here: session.role === "administrator" },
    { id: "scenes", path: "/", title: "Scenes", here: true },
  ];
  return places.filter(({ path, here }) => here && path !== at).map(({ id, path, title }): Command => ({ id, kind: "command", title, act: () => window.location.assign(path) }));
}

function sceneCommands(workspace: Workspace): Command[] {
  return [
    { id: "compare", kind: "command", title: "Compare with another run, annotations or another scene", keys: "C", act: () => toggleCompare(workspace) },
    { id: "fit", kind: "command", title: "Fit the scene", keys: "0", act: () => sceneMap.get()?.fit() },
    { id: "measure", kind: "command", title: "Measure a length and an area", keys: "M", act: () => take("measure") },
    { id: "north", kind: "command", title: "North up", keys: "N", act: () => turn(sceneMap.get(), null) },
    { id: "annotations", kind: "command", title: "Show or hide annotations", keys: "A", act: () => adjust({ annotations: !getAddress().annotations }) },
    { id: "detections", kind: "command", title: "Show or hide detections", keys: "H", act: () => adjust({ detections: !getAddress().detections }) },
    { id: "running-point", kind: "command", title: "Back to the running point", keys: "\\", act: () => adjust({ threshold: null }) },
    { id: "world", kind: "command", title: "Close the scene", act: () => openScene(null) },
  ];
}

/** Commands whose title holds every word typed, those that begin with it first; a typed place comes before all. */
export function search(commands: Command[], text: string): Command[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const rank = (command: Command) => (command.title.toLowerCase().startsWith(words[0] ?? "") ? 0 : 1);
  const hits = commands
    .filter((command) => words.every((word) => `${command.kind} ${command.title}`.toLowerCase().includes(word)))
    .sort((a, b) => (words.length === 0 ? 0 : rank(a) - rank(b)));
  return [...placeCommand(text), ...hits].slice(0, 50);
}

function placeCommand(text: string): Command[] {
  const place = parsePlace(text);
  const map = sceneMap.get();
  if (!place || !map?.georeferenced) return [];
  const zoom = Math.max(map.map.getView().getZoom() ?? 0, PLACE_ZOOM);
  return [{ id: "place", kind: "place", title: `Go to ${text.trim()}`, act: () => map.moveTo({ first: place.latitude, second: place.longitude, zoom, turn: 0 }) }];
}
