/** The page: signing in, or the workspace. */
import { useEffect } from "react";
import { person } from "../api/session";
import { useSession } from "../api/queries";
import { SignIn } from "../signin/SignIn";
import { SignInAgain } from "../signin/SignInAgain";
import { useStore } from "../state/store";
import { ErrorText } from "../parts/ErrorText";
import { ResourcesPage } from "../resources/ResourcesPage";
import { StatusPage } from "../status/StatusPage";
import { Workspace } from "./Workspace";

/** One goes there and back by loading the page: the workspace writes its own state into the address. */
const PLACES = { "/status": StatusPage, "/detectors": ResourcesPage } as const;
const Place = PLACES[window.location.pathname.replace(/\/$/, "") as keyof typeof PLACES] as (typeof PLACES)[keyof typeof PLACES] | undefined;

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
      {Place ? <Place session={shown} /> : <Workspace key={shown.name} session={shown} />}
      {session.data === null ? <SignInAgain name={shown.name} /> : null}
    </>
  );
}
