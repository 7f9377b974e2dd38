/** A value that components can watch: the smallest store there is. */
import { useSyncExternalStore } from "react";

export interface Store<T> {
  get: () => T;
  set: (next: T | ((before: T) => T)) => void;
  subscribe: (listener: () => void) => () => void;
}

type Plain = object | string | number | boolean | null;

/** Not for functions: `set` calls them with the value before. */
export function createStore<T extends Plain>(initial: T): Store<T> {
  let value: T = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => value,
    set(next) {
      const result: T = typeof next === "function" ? (next as (before: T) => T)(value) : next;
      if (Object.is(result, value)) return;
      value = result;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.subscribe, store.get);
}
