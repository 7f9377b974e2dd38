/** How far something is; without a value, that it has not begun. */
import { percent } from "./numbers";

export function Progress({ value, label }: { value: number | null; label: string }) {
  const shown = value === null ? 0 : Math.min(1, Math.max(0, value));
  return (
    <span className="progress" role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(shown * 100)} aria-valuetext={value === null ? "waiting" : percent(shown)}>
      <span style={{ transform: `scaleX(${shown})` }} />
    </span>
  );
}
