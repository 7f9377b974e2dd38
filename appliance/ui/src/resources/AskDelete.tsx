/** The one thing that asks: what is deleted here does not come back. */
import { useEffect, useRef } from "react";
import { useStore } from "../state/store";
import { asked, deleteAsked } from "./actions";
import type { Opened } from "./place";

export function AskDelete() {
  const wanted = useStore(asked);
  return wanted ? <Question wanted={wanted} /> : null;
}

const LOST = {
  detector: "Its pods end, and no scene gets a run of it by itself. What it found stays, and so do its model packages.",
  training: "Its pods end, and its checkpoints go with it. A model that was published stays.",
} as const;

function Question({ wanted }: { wanted: Opened }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => dialog.current?.close();
  return (
    <dialog ref={dialog} className="ask" aria-labelledby="ask-title" onClose={() => asked.set(null)} onClick={(event) => event.target === dialog.current && close()}>
      <div className="stack">
        <h2 id="ask-title">{`Delete the ${wanted.kind} ${wanted.name}?`}</h2>
        <p>{LOST[wanted.kind]}</p>
        <div className="row">
          <button
            type="button"
            className="primary"
            onClick={() => {
              deleteAsked(wanted);
              close();
            }}
          >
            Delete
          </button>
          <button type="button" autoFocus onClick={close}>
            Keep it
          </button>
        </div>
      </div>
    </dialog>
  );
}
