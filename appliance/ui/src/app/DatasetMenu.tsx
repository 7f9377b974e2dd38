/** Which dataset is open; the others; a new one. */
import { ChevronDown } from "lucide-react";
import { useDatasets } from "../api/queries";
import { count } from "../parts/numbers";
import { closePopover, Popover } from "../parts/Popover";
import { openScene } from "../state/navigation";
import { useWorkspace } from "../state/workspace";
import { NewDataset } from "./NewDataset";

export function DatasetMenu() {
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
      <NewDataset />
    </Popover>
  );
}
