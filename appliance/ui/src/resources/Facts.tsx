/** Names and values below each other; what has no value is left out. */
import type { ReactNode } from "react";

export function Facts({ title, facts }: { title: string; facts: [name: string, value: ReactNode][] }) {
  const known = facts.filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      <dl className="figures numbers">
        {known.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
