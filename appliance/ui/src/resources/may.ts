/** Whether this person may change one of these: what serves is the administrators', whoever labels may train. */
import { person } from "../api/session";
import { useStore } from "../state/store";

export function useMay(kind: "detector" | "training"): boolean {
  const who = useStore(person);
  return kind === "training" ? Boolean(who) : who?.role === "administrator";
}
