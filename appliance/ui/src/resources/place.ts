/** The address of the place: which resource is open. `/detectors?detector=NAME` or `?training=NAME`. */
import { useSyncExternalStore } from "react";

export interface Opened {
  kind: "detector" | "training";
  name: string;
}

export const DETECTORS_PATH = "/detectors";

export function openedIn(search: string): Opened | null {
  const query = new URLSearchParams(search);
  for (const kind of ["detector", "training"] as const) {
    const name = query.get(kind);
    if (name) return { kind, name };
  }
  return null;
}

export function addressOf(opened: Opened | null): string {
  return opened ? `${DETECTORS_PATH}?${opened.kind}=${encodeURIComponent(opened.name)}` : DETECTORS_PATH;
}

const listeners = new Set<() => void>();

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  window.addEventListener("popstate", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("popstate", listener);
  };
};

/** A new step in the history: back goes to what was open before. */
export function open(opened: Opened | null): void {
  const address = addressOf(opened);
  if (address === window.location.pathname + window.location.search) return;
  window.history.pushState(null, "", address);
  for (const listener of listeners) listener();
}

export function useOpened(): Opened | null {
  return openedIn(useSyncExternalStore(subscribe, () => window.location.search));
}
