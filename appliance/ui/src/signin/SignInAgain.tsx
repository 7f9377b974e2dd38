/** Over the workspace, when the session has ended by itself: what is drawn and typed beneath stays, and is sent after. */
import { useEffect, useRef } from "react";
import { SignInForm } from "./SignInForm";

export function SignInAgain({ name }: { name: string }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLInputElement>("input[type=password]")?.focus();
  }, []);
  return (
    <dialog ref={dialog} className="signin-again" aria-labelledby="signin-again" onCancel={(event) => event.preventDefault()}>
      <SignInForm name={name} hint="Or open a one-time link in another tab and come back to this one.">
        <div>
          <h2 id="signin-again">Your session has ended</h2>
          <p className="quiet">Sign in to go on where you are: nothing is lost.</p>
        </div>
      </SignInForm>
    </dialog>
  );
}
