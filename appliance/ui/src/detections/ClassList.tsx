/** The classes found, each with its colour, to be hidden and shown. */
import { Eye, EyeOff } from "lucide-react";
import type { Histogram } from "../api/client";
import { classColour } from "../map/palette";
import { count } from "../parts/numbers";
import { adjust, useAddress } from "../state/navigation";
import { useWorkspace } from "../state/workspace";
import { toggleLabel } from "./labels";

export function ClassList({ histogram }: { histogram: Histogram }) {
  const { labels } = useWorkspace();
  const { hidden } = useAddress();
  const found = labels.filter((label) => (histogram.labels[label] ?? 0) > 0);
  if (found.length === 0) return null;
  return (
    <section aria-label="Classes">
      <h3>Classes</h3>
      <ul className="classes">
        {found.map((label) => {
          const off = hidden.includes(label);
          return (
            <li key={label}>
              <button type="button" aria-pressed={!off} title={off ? `Show ${label}` : `Hide ${label}`} onClick={() => adjust({ hidden: toggleLabel(hidden, label) })}>
                <svg className="swatch" viewBox="0 0 10 10" aria-hidden="true">
                  <rect x="1.5" y="1.5" width="7" height="7" rx="1.5" fill="none" strokeWidth="2" stroke={classColour(labels.indexOf(label))} />
                </svg>
                <span>{label.replaceAll("/", " › ")}</span>
                <span className="quiet numbers">{count(histogram.labels[label] ?? 0)}</span>
                {off ? <EyeOff /> : <Eye />}
              </button>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
