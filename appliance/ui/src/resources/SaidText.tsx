/** A word with its colour, and the sentence that explains it. */
import type { Said } from "./sentences";

export function SaidText({ said }: { said: Said }) {
  return (
    <>
      <span className="said" data-tone={said.tone}>
        {said.word}
      </span>
      {said.sentence ? <span className="sentence quiet">{said.sentence}</span> : null}
    </>
  );
}
