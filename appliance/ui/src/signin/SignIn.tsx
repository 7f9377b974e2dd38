/** Signing in with a name and a password; one-time links have been tried before this shows. */
import { Mark } from "../app/Mark";
import { SignInForm } from "./SignInForm";

const HINT = (
  <>
    The first time, open the one-time link that <code>vedette up</code> printed, or ask an administrator for one.
  </>
);

export function SignIn({ linkError }: { linkError: unknown }) {
  return (
    <main className="signin">
      <SignInForm before={linkError} hint={HINT}>
        <h1>
          <Mark /> Vedette
        </h1>
      </SignInForm>
    </main>
  );
}
