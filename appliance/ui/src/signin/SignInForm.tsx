/** Name and password. Used by the page before anybody has signed in, and over the workspace when a session has ended. */
import { useState, type ReactNode, type SubmitEvent } from "react";
import { signIn } from "../api/session";
import { ErrorText } from "../parts/ErrorText";

interface Props {
  name?: string;
  /** An error from before, such as that of a one-time link. */
  before?: unknown;
  children: ReactNode;
  hint: ReactNode;
}

export function SignInForm({ name = "", before = null, children, hint }: Props) {
  const [error, setError] = useState<unknown>(before);
  const [busy, setBusy] = useState(false);
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const text = (key: string) => {
      const value = data.get(key);
      return typeof value === "string" ? value : "";
    };
    setBusy(true);
    setError(null);
    signIn({ name: text("name").trim(), password: text("password") })
      .catch(setError)
      .finally(() => setBusy(false));
  };
  return (
    <form onSubmit={submit}>
      {children}
      <label className="field">
        <span>Name</span>
        <input name="name" autoComplete="username" required defaultValue={name} autoFocus />
      </label>
      <label className="field">
        <span>Password</span>
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <ErrorText error={error} />
      <button type="submit" className="primary" disabled={busy}>
        Sign in
      </button>
      <p className="quiet">{hint}</p>
    </form>
  );
}
