/** All that the operator says of a resource, one sentence each, and the last failure below them. */
import { utc } from "../parts/numbers";
import { SaidText } from "./SaidText";
import { conditionSaid, shortDigests } from "./sentences";
import type { Condition, Failure } from "./types";

export function Conditions({ conditions, failure }: { conditions: Condition[]; failure: Failure | null | undefined }) {
  return (
    <section aria-label="Conditions">
      <h3>Conditions</h3>
      {conditions.length === 0 ? <p className="quiet">The operator has said nothing of it so far. kubectl get pods shows whether it runs.</p> : null}
      <ul className="conditions">
        {conditions.map((each) => (
          <li key={each.type} data-condition={each.type}>
            <SaidText said={conditionSaid(each)} />
            <span className="quiet since">{`since ${utc(each.lastTransitionTime)}`}</span>
          </li>
        ))}
        {failure ? (
          <li>
            <span className="said" data-tone="bad">
              Last failure
            </span>
            <span className="sentence">{`${shortDigests(failure.message)} (${failure.location}${failure.exitCode == null ? "" : `, exit code ${failure.exitCode}`})`}</span>
            <span className="quiet since">{utc(failure.time)}</span>
          </li>
        ) : null}
      </ul>
    </section>
  );
}
