/** What a new model is to reach, and what it is made from, before it is asked for. */
import { useQuery } from "@tanstack/react-query";
import { useId, useState, type ReactNode, type SubmitEvent } from "react";
import { ProblemError, type Dataset } from "../api/client";
import { useDetectors, useItems } from "../api/queries";
import { count } from "../parts/numbers";
import { ErrorText } from "../parts/ErrorText";
import { closePopover } from "../parts/Popover";
import type { DetectorResource, TrainingJob } from "../resources/types";
import { deleteTraining } from "../resources/calls";
import { versionOf } from "../resources/sentences";
import { fail, undoable } from "../state/notices";
import { askFor, labelled } from "./ask";
import { baseOf, blamed, draftFor, firstChoice, METRICS, type Draft, type Field } from "./job";
import { splits, type Scene } from "./split";

interface Props {
  dataset: Dataset;
  detectors: DetectorResource[];
  trainings: TrainingJob[];
  /** The detector whose run is shown. */
  shown: string | null;
}

export function NewModelForm({ dataset, detectors, trainings, shown }: Props) {
  const [name, setName] = useState(firstChoice(detectors, shown)?.metadata.name ?? null);
  const resource = detectors.find((each) => each.metadata.name === name);
  const scenes = useLabelled(dataset.name);
  const known = useDetectors().data;
  if (!resource) return <p className="teach">A new model begins with one that serves, and no detector serves on this cluster yet. Apply one: <code>vedette detector apply -f detector.yaml</code>.</p>;
  if (scenes.error) return <ErrorText error={scenes.error} />;
  if (!scenes.data || !known) return <p aria-busy="true">Looking which scenes are labelled…</p>;
  if (scenes.data.length === 0) return <p className="teach">No scene of {dataset.title || dataset.name} is labelled yet. Label some here, accept detections, or bring labels: <code>{`vedette dataset import FILE --dataset ${dataset.name}`}</code>.</p>;
  const base = baseOf(resource, known);
  return (
    <Form
      key={resource.metadata.name}
      first={draftFor(base, known, trainings)}
      model={resource.metadata.name}
      scenes={scenes.data}
      choice={
        <select aria-label="Detector" value={resource.metadata.name} onChange={(event) => setName(event.target.value)}>
          {detectors.map((each) => (
            <option key={each.metadata.name} value={each.metadata.name}>
              {`${each.metadata.name} ${each.status.currentVersion ?? versionOf(each.spec.model.storageUri)}`}
            </option>
          ))}
        </select>
      }
      send={(draft) => askFor(base, draft, dataset.name, scenes.data, trainings)}
    />
  );
}

const useLabelled = (dataset: string) => {
  const items = useItems(dataset).data;
  return useQuery({ queryKey: ["labelled", dataset, items?.length ?? -1], enabled: items !== undefined, staleTime: 0, gcTime: 0, queryFn: () => labelled(items ?? []) });
};

interface FormProps {
  first: Draft;
  model: string;
  scenes: Scene[];
  choice: ReactNode;
  send: (draft: Draft) => Promise<string>;
}

function Form({ first, model, scenes, choice, send }: FormProps) {
  const [draft, setDraft] = useState(first);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const wrong = error instanceof ProblemError ? blamed(error.detail) : null;
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    setError(null);
    send(draft)
      .then((name) => {
        closePopover(form);
        undoable(`${model} ${draft.version} is asked for, as the training ${name}.`, () => void deleteTraining(name).catch(fail));
      })
      .catch(setError)
      .finally(() => setBusy(false));
  };
  const set = (field: Field) => (value: string) => setDraft((before) => ({ ...before, [field]: value }));
  const said = (field: Field) => (wrong?.field === field ? wrong.said : null);
  return (
    <form className="stack" noValidate onSubmit={submit}>
      <p>{foreseen(scenes)}</p>
      <label className="field">
        <span>Goes on from what serves of</span>
        {choice}
      </label>
      <div className="goal">
        <label className="field">
          <span>Goal</span>
          <select value={draft.metric} onChange={(event) => set("metric")(event.target.value)}>
            {METRICS.map((metric) => (
              <option key={metric}>{metric}</option>
            ))}
          </select>
        </label>
        <TextField label="At least" value={draft.minimum} said={said("minimum") ?? said("metric")} onChange={set("minimum")} />
      </div>
      <div className="goal">
        <TextField label="Epochs at most" value={draft.epochs} said={said("epochs")} onChange={set("epochs")} />
        <TextField label="Published as version" value={draft.version} said={said("version")} onChange={set("version")} />
      </div>
      <ErrorText error={wrong ? null : error} />
      <button type="submit" className="primary" disabled={busy}>
        {busy ? "Freezing the scenes…" : `Train ${model} ${draft.version}`}
      </button>
      <p className="quiet">It takes runs only if it meets the goal and passes the gates of its detector.</p>
    </form>
  );
}

function TextField({ label, value, said, onChange }: { label: string; value: string; said: string | null; onChange: (value: string) => void }) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} className="numbers" autoComplete="off" maxLength={60} value={value} aria-invalid={said !== null} aria-describedby={said ? `${id}-said` : undefined} onChange={(event) => onChange(event.target.value)} />
      {said ? (
        <p id={`${id}-said`} className="error" role="alert">
          {said}
        </p>
      ) : null}
    </div>
  );
}

function foreseen(scenes: Scene[]): string {
  const [split] = splits(scenes);
  if (!split || scenes.length === 1) return "Learns from three quarters of the one labelled scene, and is chosen by the fourth.";
  const measured = split.test.length > 0 ? `, measured on ${count(split.test.length)}` : "";
  return `Learns from ${count(split.train.length)} of ${count(scenes.length)} labelled scenes, chosen by ${count(split.validation.length)}${measured}.`;
}
