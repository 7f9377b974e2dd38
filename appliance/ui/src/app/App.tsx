/** The page: signing in, or the workspace. */
import { useEffect } from "react";
import { person } from "../api/session";
import { useSession } from "../api/queries";
import { SignIn } from "../signin/SignIn";
import { SignInAgain } from "../signin/SignInAgain";
import { useStore } from "../state/store";
import { ErrorText } from "../parts/ErrorText";
import { StatusPage } from "../status/StatusPage";
import { Workspace } from "./Workspace";

/** One goes there and back by loading the page: the workspace writes its own state into the address. */
const ON_STATUS = /^\/status\/?$/.test(window.location.pathname);

export function App({ linkError }: { linkError: unknown }) {
  const session = useSession();
  const known = useStore(person);
  useEffect(() => {
    if (session.data) person.set(session.data);
  }, [session.data]);
  if (session.isPending) return <div className="blank" aria-busy="true" />;
  if (session.error && !known) {
    return (
      <main className="blank">
        <ErrorText error={session.error} />
      </main>
    );
  }
  const shown = session.data ?? known;
  if (!shown) return <SignIn linkError={linkError} />;
  return (
    <>
      {ON_STATUS ? <StatusPage session={shown} /> : <Workspace key={shown.name} session={shown} />}
      {session.data === null ? <SignInAgain name={shown.name} /> : null}
    </>
  );
}
