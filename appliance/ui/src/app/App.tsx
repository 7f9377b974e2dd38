/** The page: signing in, or the workspace. */
import { useSession } from "../api/queries";
import { SignIn } from "../signin/SignIn";
import { ErrorText } from "../parts/ErrorText";
import { StatusPage } from "../status/StatusPage";
import { Workspace } from "./Workspace";

/** One goes there and back by loading the page: the workspace writes its own state into the address. */
const ON_STATUS = /^\/status\/?$/.test(window.location.pathname);

export function App({ linkError }: { linkError: unknown }) {
  const session = useSession();
  if (session.isPending) return <div className="blank" aria-busy="true" />;
  if (session.error) {
    return (
      <main className="blank">
        <ErrorText error={session.error} />
      </main>
    );
  }
  if (!session.data) return <SignIn linkError={linkError} />;
  return ON_STATUS ? <StatusPage session={session.data} /> : <Workspace session={session.data} />;
}
