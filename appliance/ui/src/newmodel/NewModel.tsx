/** "New model": one click opens a small form that is filled in already; one more sends it. Only where there is a cluster. */
import { useId, useState } from "react";
import type { Dataset } from "../api/client";
import { useDetectorResources, useTrainingJobs } from "../resources/calls";
import { useMay } from "../resources/may";
import { NewModelForm } from "./NewModelForm";

export function NewModel({ dataset, shown }: { dataset: Dataset; shown: string | null }) {
  const id = useId();
  const [open, setOpen] = useState(false);
  const detectors = useDetectorResources("aside").data;
  const trainings = useTrainingJobs("aside").data;
  const may = useMay("training");
  if (!detectors || !trainings || !may) return null;
  return (
    <>
      <button type="button" className="link" popoverTarget={id} title="Train a new version of a detector on the labels of this dataset">
        New model
      </button>
      <div id={id} popover="auto" className="popover new-model" role="group" aria-label="New model" onToggle={(event) => setOpen(event.newState === "open")}>
        {open ? <NewModelForm key={dataset.name} dataset={dataset} detectors={detectors} trainings={trainings} shown={shown} /> : null}
      </div>
    </>
  );
}
