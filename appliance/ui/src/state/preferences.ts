/** What belongs to this person on this machine, not to the address: theme, and keys of one letter. */
import { createStore } from "./store";

export type Theme = "system" | "dark" | "light";

const read = (key: string) => {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
};

const write = (key: string, value: string) => {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // Storage is switched off: the choice lasts as long as the page.
  }
};

const stored = read("theme");
export const theme = createStore<Theme>(stored === "dark" || stored === "light" ? stored : "system");

/** WCAG 2.1.4: keys of one letter can be switched off. */
export const letterKeys = createStore<boolean>(read("letter-keys") !== "off");

/** Applies the theme to the document, now and whenever it changes. */
export function startPreferences(): void {
  const apply = () => {
    const chosen = theme.get();
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
  };
  apply();
  theme.subscribe(() => {
    apply();
    write("theme", theme.get());
  });
  letterKeys.subscribe(() => write("letter-keys", letterKeys.get() ? "on" : "off"));
}

export function toggleTheme(): void {
  const light = window.matchMedia("(prefers-color-scheme: light)").matches;
  const shown = theme.get() === "system" ? (light ? "light" : "dark") : theme.get();
  theme.set(shown === "dark" ? "light" : "dark");
}
