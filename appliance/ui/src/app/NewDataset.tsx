/** One line that makes a dataset. */
import { useId, useState, type SubmitEvent } from "react";
import { ErrorText } from "../parts/ErrorText";
import { closePopover } from "../parts/Popover";
import { createDataset } from "../state/actions";
import { nameFrom } from "../state/naming";

export function NewDataset({ focus = false }: { focus?: boolean }) {
  const [title, setTitle] = useState("");
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const id = useId();
  const name = nameFrom(title);
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    createDataset(name, title.trim())
      .then(() => {
        setTitle("");
        setError(null);
        closePopover(form);
      })
      .catch(setError)
      .finally(() => setBusy(false));
  };
  return (
    <form className="new-dataset" onSubmit={submit}>
      <label htmlFor={id}>New dataset</label>
      <div className="row">
        <input id={id} value={title} autoFocus={focus} maxLength={200} placeholder="Port survey" onChange={(event) => setTitle(event.target.value)} />
        <button type="submit" className="primary" disabled={name === "" || busy}>
          Create
        </button>
      </div>
      {name !== "" && name !== title ? <p className="quiet">{`In commands and addresses: ${name}`}</p> : null}
      <ErrorText error={error} />
    </form>
  );
}
