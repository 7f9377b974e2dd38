/** F1: the keys of this place, then all others, and the switch for keys of one letter. */
import { useEffect, useRef } from "react";
import { ANNOTATE } from "../annotate/keys";
import { helpOpen } from "../palette/open";
import { letterKeys } from "../state/preferences";
import { useStore } from "../state/store";
import { useWorkspace } from "../state/workspace";
import { ALWAYS, BINDINGS } from "./bindings";

export function Help() {
  return useStore(helpOpen) ? <OpenHelp /> : null;
}

function OpenHelp() {
  const workspace = useWorkspace();
  const annotating = ANNOTATE.filter((each) => each.possible(workspace));
  const taken = new Set(annotating.map((each) => each.key));
  const others = BINDINGS.filter((each) => (each.possible?.(workspace) ?? true) && !each.keys.some((key) => taken.has(key)));
  const here = [...annotating, ...others];
  const elsewhere = [...ANNOTATE, ...BINDINGS].filter((each) => !(here as unknown[]).includes(each));
  return <HelpDialog always={ALWAYS} here={here} elsewhere={elsewhere} />;
}

interface Key {
  shown: string;
  what: string;
}

/** Of any place. `always`: also with keys of one letter switched off. */
export function HelpDialog({ always, here, elsewhere }: { always: Key[]; here: Key[]; elsewhere: Key[] }) {
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
        <Keys title="Here" keys={[...always, ...(letters ? here : [])]} />
        {letters && elsewhere.length > 0 ? <Keys title="In other places" keys={elsewhere} /> : null}
      </div>
    </dialog>
  );
}

function Keys({ title, keys }: { title: string; keys: Key[] }) {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <dl>
        {keys.map(({ shown, what }) => (
          <div key={shown + what}>
            <dt>
              <kbd>{shown}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
