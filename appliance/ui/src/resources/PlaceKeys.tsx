/** The keyboard of this place, and what its keys open: the palette and the help. */
import { useEffect, useRef } from "react";
import type { Session } from "../api/client";
import { signOut } from "../api/session";
import { useDatasets } from "../api/queries";
import { HelpDialog } from "../keys/Help";
import { typing } from "../keys/useKeys";
import { placeCommands, type Command } from "../palette/commands";
import { helpOpen, paletteOpen } from "../palette/open";
import { PaletteDialog } from "../palette/Palette";
import { fail } from "../state/notices";
import { letterKeys, toggleTheme } from "../state/preferences";
import { useStore } from "../state/store";
import { useDetectorResources, useTrainingJobs } from "./calls";
import { ALWAYS_HERE, KEYS, type Place } from "./keys";
import { useMay } from "./may";
import { open, useOpened } from "./place";
import type { DetectorResource, TrainingJob } from "./types";

const NONE: never[] = [];

export function PlaceKeys({ session }: { session: Session }) {
  const detectors = useDetectorResources("aside").data ?? NONE;
  const trainings = useTrainingJobs("aside").data ?? NONE;
  const opened = useOpened();
  const place: Place = { detectors, trainings, opened, may: useMay(opened?.kind ?? "detector") };
  useKeysOf(place);
  const palette = useStore(paletteOpen);
  return (
    <>
      {palette ? <Find place={place} session={session} /> : null}
      {useStore(helpOpen) ? <HelpDialog always={ALWAYS_HERE} here={KEYS} elsewhere={[]} /> : null}
    </>
  );
}

function Find({ place, session }: { place: Place; session: Session }) {
  const datasets = useDatasets().data ?? NONE;
  const named = (all: (DetectorResource | TrainingJob)[], kind: "detector" | "training") =>
    all.map(({ metadata: { name } }): Command => ({ id: `${kind} ${name}`, kind, title: name, act: () => open({ kind, name }) }));
  const commands: Command[] = [
    ...named(place.detectors, "detector"),
    ...named(place.trainings, "training"),
    ...placeCommands(session),
    { id: "theme", kind: "command", title: "Switch between dark and light", keys: "T", act: toggleTheme },
    { id: "help", kind: "command", title: "Show the keys", keys: "F1", act: () => helpOpen.set(true) },
    { id: "sign-out", kind: "command", title: `Sign out ${session.name}`, act: () => void signOut().catch(fail) },
    ...datasets.map((each): Command => ({ id: each.id, kind: "dataset", title: each.title || each.name, act: () => window.location.assign(`/?dataset=${encodeURIComponent(each.name)}`) })),
  ];
  return <PaletteDialog commands={commands} what="Search detectors, trainings, datasets, commands" teach="Nothing by that name." />;
}

function useKeysOf(place: Place): void {
  const current = useRef(place);
  useEffect(() => {
    current.current = place;
  }, [place]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (!event.defaultPrevented && obey(event, current.current)) event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

function obey(event: KeyboardEvent, place: Place): boolean {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    paletteOpen.set(true);
    return true;
  }
  if (event.key === "F1") {
    helpOpen.set(true);
    return true;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open], [popover]:popover-open")) return false;
  if (event.target instanceof Element && typing(event.target)) return false;
  if (event.key === "Escape") {
    open(null);
    return place.opened !== null;
  }
  const binding = letterKeys.get() ? KEYS.find(({ key }) => key === event.key.toLowerCase()) : undefined;
  binding?.act(place);
  return binding !== undefined;
}
