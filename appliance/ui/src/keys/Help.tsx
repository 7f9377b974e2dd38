/** F1: the keys of this place, and the switch for keys of one letter. */
import { useEffect, useRef } from "react";
import { ANNOTATE } from "../annotate/keys";
import { helpOpen } from "../palette/open";
import { letterKeys } from "../state/preferences";
import { useStore } from "../state/store";
import { ALWAYS, BINDINGS } from "./bindings";

export function Help() {
  return useStore(helpOpen) ? <OpenHelp /> : null;
}

function OpenHelp() {
  const dialog = useRef<HTMLDialogElement>(null);
  const letters = useStore(letterKeys);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="help" aria-labelledby="help-title" onClose={() => helpOpen.set(false)} onClick={(event) => event.target === dialog.current && dialog.current.close()}>
      <div className="help-body">
        <div className="help-head">
          <h2 id="help-title">Keys</h2>
          <label className="check">
            <input type="checkbox" checked={letters} onChange={(event) => letterKeys.set(event.target.checked)} />
            Keys of one letter
          </label>
        </div>
        <dl>
          {[...ALWAYS, ...(letters ? [...ANNOTATE, ...BINDINGS] : [])].map(({ shown, what }) => (
            <div key={shown + what}>
              <dt>
                <kbd>{shown}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </div>
    </dialog>
  );
}
