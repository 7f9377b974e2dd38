/** For administrators: a one-time link that signs somebody in. */
import { useState, type SubmitEvent } from "react";
import { client, unwrap } from "../api/client";
import { ErrorText } from "../parts/ErrorText";

export function Invite() {
  const [name, setName] = useState("");
  const [url, setUrl] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    unwrap(client.POST("/api/links", { body: { name: name.trim() || null, role: "analyst" } }))
      .then((link) => {
        setUrl(link.url);
        setError(null);
      })
      .catch(setError);
  };
  return (
    <form className="field" onSubmit={submit}>
      <label htmlFor="invite">Let somebody in by a one-time link</label>
      <div className="row">
        <input id="invite" value={name} maxLength={63} placeholder="their name" autoComplete="off" onChange={(event) => setName(event.target.value)} />
        <button type="submit" disabled={name.trim() === ""}>
          Make
        </button>
      </div>
      {url ? <input className="numbers" readOnly value={url} aria-label="One-time link" onFocus={(event) => event.target.select()} /> : null}
      <ErrorText error={error} />
    </form>
  );
}
