/** Ctrl+K: find a scene, a dataset, a detector, a place or a command by typing. The other places give commands of their own. */
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import type { Session } from "../api/client";
import { useDatasets } from "../api/queries";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { commandsFor, search, type Command } from "./commands";
import { paletteOpen } from "./open";

export function Palette({ session }: { session: Session }) {
  const open = useStore(paletteOpen);
  return open ? <OpenPalette session={session} /> : null;
}

function OpenPalette({ session }: { session: Session }) {
  const commands = commandsFor(useWorkspace(), useDatasets().data ?? [], session);
  return <PaletteDialog commands={commands} what="Search scenes, detectors, places, commands" teach="Nothing by that name. Places are understood as latitude and longitude, or as a military grid reference." />;
}

/** Of any place: what can be found is given, what it is called stands in the field. */
export function PaletteDialog({ commands, what, teach }: { commands: Command[]; what: string; teach: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState(0);
  const hits = search(commands, text);
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => paletteOpen.set(false);
  const act = (command: Command | undefined) => {
    if (!command) return;
    dialog.current?.close();
    command.act();
  };
  const key = (event: KeyboardEvent) => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) {
      event.preventDefault();
      setChosen((before) => (before + step + hits.length) % Math.max(1, hits.length));
    }
    if (event.key === "Enter") {
      // The dialogue gives the focus back to a button, say, which the same key would press.
      event.preventDefault();
      act(hits[chosen]);
    }
  };
  return (
    <dialog ref={dialog} className="palette" aria-label="Find" onClose={close} onClick={(event) => event.target === dialog.current && dialog.current.close()}>
      <input
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-hits"
        aria-activedescendant={hits[chosen] ? `hit-${chosen}` : undefined}
        aria-label={what}
        placeholder={what.replace("Search ", "")}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setChosen(0);
        }}
        onKeyDown={key}
      />
      <ul id="palette-hits" role="listbox" aria-label="Found">
        {hits.map((hit, index) => (
          <li key={hit.id} id={`hit-${index}`} role="option" aria-selected={index === chosen} onPointerMove={() => setChosen(index)} onClick={() => act(hit)}>
            <span>{hit.title}</span>
            {hit.keys ? <kbd>{hit.keys}</kbd> : <span className="quiet">{hit.kind}</span>}
          </li>
        ))}
      </ul>
      {hits.length === 0 ? <p className="teach">{teach}</p> : null}
    </dialog>
  );
}
