/** Signing in with a name and a password; one-time links have been tried before this shows. */
import { useState, type SubmitEvent } from "react";
import { signIn } from "../api/session";
import { Mark } from "../app/Mark";
import { ErrorText } from "../parts/ErrorText";

export function SignIn({ linkError }: { linkError: unknown }) {
  const [error, setError] = useState<unknown>(linkError);
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
    <main className="signin">
      <form onSubmit={submit}>
        <h1>
          <Mark /> Vedette
        </h1>
        <label className="field">
          <span>Name</span>
          <input name="name" autoComplete="username" required autoFocus />
        </label>
        <label className="field">
          <span>Password</span>
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <ErrorText error={error} />
        <button type="submit" className="primary" disabled={busy}>
          Sign in
        </button>
        <p className="quiet">
          The first time, open the one-time link that <code>vedette up</code> printed, or ask an administrator for one.
        </p>
      </form>
    </main>
  );
}
