/** What can be done with the shape that is selected: accept, reject, edit, name, delete. */
import { Check, Pencil, Trash2, X } from "lucide-react";
import type { KeyboardEvent } from "react";
import { useAddress } from "../state/navigation";
import { useStore } from "../state/store";
import { judge, relabel, remove } from "./acts";
import { take } from "./keys";
import { scope, target } from "./select";
import { tool } from "./tool";
import { known, queue, standing } from "./work";

export function AnnotationPanel() {
  useAddress();
  useStore(known);
  useStore(queue);
  const open = useStore(scope);
  const editing = useStore(tool) === "edit";
  const meant = target();
  const stand = meant && standing(meant.id);
  if (!meant || (!stand && !meant.origin)) return null;
  return (
    <section className="annotation" aria-label="Annotation">
      <h3>
        Annotation <span className="quiet" data-testid="verdict">{stand?.verdict ?? "none yet"}</span>
      </h3>
      <div className="row">
        {meant.origin ? (
          <>
            <button type="button" aria-pressed={stand?.verdict === "accepted"} title="Accept (A)" onClick={() => judge("accepted")}>
              <Check /> Accept
            </button>
            <button type="button" aria-pressed={stand?.verdict === "rejected"} title="Reject (R)" onClick={() => judge("rejected")}>
              <X /> Reject
            </button>
          </>
        ) : null}
        <button type="button" aria-pressed={editing} title="Edit (E)" onClick={() => take("edit")}>
          <Pencil /> Edit
        </button>
        {stand ? (
          <button type="button" title="Delete (Del)" onClick={remove}>
            <Trash2 /> Delete
          </button>
        ) : null}
      </div>
      {stand?.verdict === "accepted" ? <Label key={`${meant.id} ${stand.label ?? ""}`} label={stand.label ?? ""} labels={open?.labels ?? []} /> : null}
    </section>
  );
}

function Label({ label, labels }: { label: string; labels: string[] }) {
  const press = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "Enter" || event.key === "Escape") event.currentTarget.blur();
  };
  return (
    <label className="field-row">
      <span>Class</span>
      <input type="text" list="annotation-labels" maxLength={255} defaultValue={label} onBlur={(event) => relabel(event.target.value)} onKeyDown={press} />
      <datalist id="annotation-labels">
        {labels.map((each) => (
          <option key={each} value={each} />
        ))}
      </datalist>
    </label>
  );
}
