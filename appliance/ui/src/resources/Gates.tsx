/** What the gates of a version measured, and what each asks for. */
import { gateFigures, shortDigests } from "./sentences";
import type { Gate } from "./types";

const TONES = { Passed: "good", Failed: "bad", Pending: "busy" } as const;

export function Gates({ gates }: { gates: Gate[] }) {
  if (gates.length === 0) return null;
  return (
    <ul className="gates" aria-label="Gates">
      {gates.map((gate) => (
        <li key={gate.snapshot + gate.metric} title={gate.snapshot}>
          <span className="said" data-tone={TONES[gate.state]}>
            {gate.state}
          </span>
          <span className="sentence">
            {gateFigures(gate)} <span className="quiet">{`on ${shortDigests(gate.snapshot)}`}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
