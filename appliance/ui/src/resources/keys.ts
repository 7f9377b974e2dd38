/** Which key does what in this place. One list: the keyboard obeys it and the help shows it. */
import { toggleTheme } from "../state/preferences";
import { asked, retryDetector, retryTraining, suspendDetector, suspendTraining } from "./actions";
import { open, type Opened } from "./place";
import { isOver, rejectionStands, stateOf } from "./sentences";
import type { DetectorResource, TrainingJob } from "./types";

/** What is on the page, and what is open of it. */
export interface Place {
  detectors: DetectorResource[];
  trainings: TrainingJob[];
  opened: Opened | null;
  may: boolean;
}

interface PlaceKey {
  key: string;
  shown: string;
  what: string;
  act: (place: Place) => void;
}

export const KEYS: PlaceKey[] = [
  { key: "f", shown: "F", what: "Next detector or training", act: (place) => step(place, 1) },
  { key: "d", shown: "D", what: "Previous detector or training", act: (place) => step(place, -1) },
  { key: "s", shown: "S", what: "Suspend or resume what is open", act: suspend },
  { key: "r", shown: "R", what: "Try again what was rejected or has failed", act: retry },
  { key: "delete", shown: "Del", what: "Delete what is open; this asks", act: ({ opened, may }) => opened && may && asked.set(opened) },
  { key: "t", shown: "T", what: "Dark or light", act: toggleTheme },
];

export const ALWAYS_HERE = [
  { shown: "Ctrl K", what: "Find detectors, trainings, datasets, commands" },
  { shown: "F1", what: "These keys" },
  { shown: "Esc", what: "Close what is open" },
];

/** The one after what is open, in the order of the page; from the end to the beginning. */
export function neighbour({ detectors, trainings, opened }: Place, by: number): Opened | null {
  const all: Opened[] = [...detectors.map(({ metadata: { name } }) => ({ kind: "detector" as const, name })), ...trainings.map(({ metadata: { name } }) => ({ kind: "training" as const, name }))];
  const at = all.findIndex((each) => each.kind === opened?.kind && each.name === opened.name);
  return all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length] ?? null;
}

function step(place: Place, by: number): void {
  const next = neighbour(place, by);
  if (next) open(next);
}

function openOf({ detectors, trainings, opened }: Place): { detector: DetectorResource | undefined; training: TrainingJob | undefined } {
  const of = <T extends { metadata: { name: string } }>(all: T[], kind: Opened["kind"]) => (opened?.kind === kind ? all.find((each) => each.metadata.name === opened.name) : undefined);
  return { detector: of(detectors, "detector"), training: of(trainings, "training") };
}

function suspend(place: Place): void {
  const { detector, training } = openOf(place);
  if (!place.may) return;
  if (detector) suspendDetector(detector);
  if (training && !isOver(training)) suspendTraining(training);
}

function retry(place: Place): void {
  const { detector, training } = openOf(place);
  if (!place.may) return;
  if (detector && rejectionStands(detector)) retryDetector(detector);
  if (training && stateOf(training) === "Failed") retryTraining(training);
}
