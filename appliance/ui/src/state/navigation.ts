/** The address as a hook. Choosing something makes a step to go back to; moving and sliding do not. */
import { useSyncExternalStore } from "react";
import { formatAddress, parseAddress, type Address } from "./address";

let current = parseAddress(window.location.search);
const listeners = new Set<() => void>();
let pending = 0;

function publish(next: Address): void {
  current = next;
  for (const listener of listeners) listener();
}

window.addEventListener("popstate", () => publish(parseAddress(window.location.search)));

export const getAddress = (): Address => current;

export function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const useAddress = (): Address => useSyncExternalStore(subscribe, getAddress);

/** A new step in the history, for choices: dataset, scene, run, selection. */
export function go(patch: Partial<Address>): void {
  const next = { ...current, ...patch };
  const url = formatAddress(next);
  if (url === formatAddress(current)) return;
  write();
  window.history.pushState(null, "", url);
  publish(next);
}

/** The same step, changed, for what moves under the hand: position, threshold, switches.
 * Browsers limit how often the address may change, so that is written at most five times a second. */
export function adjust(patch: Partial<Address>): void {
  publish({ ...current, ...patch });
  if (pending === 0) pending = window.setTimeout(write, 200);
}

/** Writes what `adjust` has left to write. */
function write(): void {
  if (pending === 0) return;
  window.clearTimeout(pending);
  pending = 0;
  window.history.replaceState(null, "", formatAddress(current));
}

/** To another scene or dataset: what belonged to the last one is let go, the display of layers is kept. */
export function openScene(scene: string | null, dataset: string | null = current.dataset): void {
  const alone = { compare: null, other: null, otherThreshold: null, differences: false, complete: false };
  go({ dataset, scene, run: null, threshold: null, selection: null, annotation: null, hidden: [], place: null, bands: null, rescale: null, ...alone });
}
