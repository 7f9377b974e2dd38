/** The page: signing in, or the workspace. */
import { useSession } from "../api/queries";
import { SignIn } from "../signin/SignIn";
import { ErrorText } from "../parts/ErrorText";
import { Workspace } from "./Workspace";

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
  return session.data ? <Workspace session={session.data} /> : <SignIn linkError={linkError} />;
}
