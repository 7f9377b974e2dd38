/** Which dataset is open; the others; a new one. */
import { ChevronDown } from "lucide-react";
import { useId } from "react";
import type { Dataset, Session } from "../api/client";
import { useDatasets } from "../api/queries";
import { count } from "../parts/numbers";
import { closePopover, Popover } from "../parts/Popover";
import { openScene } from "../state/navigation";
import { setPriority } from "../state/placement";
import { useWorkspace } from "../state/workspace";
import { NewDataset } from "./NewDataset";

export function DatasetMenu({ session }: { session: Session }) {
  const { dataset } = useWorkspace();
  const datasets = useDatasets().data ?? [];
  if (datasets.length === 0) return null;
  return (
    <Popover label={`Dataset: ${dataset?.title || dataset?.name || "none"}`} side="below-left" text={dataset?.title || dataset?.name || "Choose a dataset"} icon={<ChevronDown />}>
      <ul className="menu" aria-label="Datasets">
        {datasets.map((each) => (
          <li key={each.id}>
            <button
              type="button"
              aria-current={each.id === dataset?.id}
              onClick={(event) => {
                openScene(null, each.name);
                closePopover(event.currentTarget);
              }}
            >
              <span>{each.title || each.name}</span>
              <span className="quiet numbers">{count(each.items)}</span>
            </button>
          </li>
        ))}
      </ul>
      {dataset && session.role === "administrator" ? <Priority dataset={dataset} /> : null}
      <NewDataset />
    </Popover>
  );
}

const PRIORITIES = new Map([
  [5, "before others"],
  [0, "in turn"],
  [-5, "after others"],
]);

/** Other numbers are set by `vedette dataset change`. */
function Priority({ dataset }: { dataset: Dataset }) {
  const id = useId();
  const { priority } = dataset;
  const choices = PRIORITIES.has(priority) ? [...PRIORITIES] : [...PRIORITIES, [priority, `priority ${priority}`] as const];
  return (
    <div className="row priority">
      <label htmlFor={id}>Its runs go</label>
      <select id={id} value={priority} onChange={(event) => setPriority(dataset, Number(event.target.value))}>
        {choices.map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </div>
  );
}
