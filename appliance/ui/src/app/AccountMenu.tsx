/** The person: password, a link for somebody else, theme, signing out. */
import { useState, type SubmitEvent } from "react";
import { client, unwrap, type Session } from "../api/client";
import { queries } from "../api/queries";
import { signOut } from "../api/session";
import { ErrorText } from "../parts/ErrorText";
import { Popover } from "../parts/Popover";
import { fail, say } from "../state/notices";
import { theme, type Theme } from "../state/preferences";
import { useStore } from "../state/store";
import { Invite } from "./Invite";

export function AccountMenu({ session }: { session: Session }) {
  const chosen = useStore(theme);
  return (
    <Popover label={`Account of ${session.name}`} side="below-right" text={<span className="avatar">{session.name.slice(0, 1).toUpperCase()}</span>}>
      <div className="stack">
        <div>
          <strong>{session.name}</strong>
          <div className="quiet">{session.role}</div>
        </div>
        <Password has={session.has_password} />
        {session.role === "administrator" ? (
          <>
            <Invite />
            <a href="/status">Status of the machine</a>
          </>
        ) : null}
        <a href="/detectors">Detectors and trainings</a>
        <label className="field-row">
          <span>Theme</span>
          <select value={chosen} onChange={(event) => theme.set(event.target.value as Theme)}>
            <option value="system">As the system</option>
            <option value="dark">Dark</option>
            <option value="light">Light</option>
          </select>
        </label>
        <button type="button" onClick={() => void signOut().catch(fail)}>
          Sign out
        </button>
      </div>
    </Popover>
  );
}

function Password({ has }: { has: boolean }) {
  const [password, setPassword] = useState("");
  const [error, setError] = useState<unknown>(null);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    unwrap(client.PUT("/api/account/password", { body: { password } }))
      .then(() => {
        setPassword("");
        setError(null);
        say("Your password is set. Sign in with it from now on.");
        return queries.invalidateQueries({ queryKey: ["session"] });
      })
      .catch(setError);
  };
  return (
    <form className="field" onSubmit={submit}>
      <label htmlFor="new-password">{has ? "Change your password" : "Set a password, to sign in again without a link"}</label>
      <div className="row">
        <input id="new-password" type="password" autoComplete="new-password" minLength={12} required placeholder="12 characters or more" value={password} onChange={(event) => setPassword(event.target.value)} />
        <button type="submit">Set</button>
      </div>
      <ErrorText error={error} />
    </form>
  );
}
