/** What the page has to say: errors stay until dismissed, undo waits for a while. Shown by app/Notices.tsx. */
import { ProblemError } from "../api/client";
import { createStore } from "./store";

export interface Notice {
  id: number;
  kind: "error" | "undo" | "done";
  text: string;
  remedy: string;
  action?: { label: string; act: () => void };
}

export const notices = createStore<Notice[]>([]);
let last = 0;

function add(notice: Omit<Notice, "id">): number {
  last += 1;
  const id = last;
  notices.set((before) => [...before.filter((other) => other.text !== notice.text), { ...notice, id }]);
  return id;
}

export function dismiss(id: number): void {
  notices.set((before) => before.filter((notice) => notice.id !== id));
}

/** An error; `way`: what can be done about it, on a button that stays as long as the error does. */
export function fail(error: unknown, way?: { label: string; act: () => void }): void {
  if (error instanceof ProblemError) {
    if (error.status === 401) return;
    const id = add({ kind: "error", text: error.detail, remedy: error.remedy, ...(way ? { action: { label: way.label, act: () => go(way.act) } } : {}) });
    const go = (act: () => void) => {
      dismiss(id);
      act();
    };
    return;
  }
  add({ kind: "error", text: error instanceof Error ? error.message : String(error), remedy: "" });
}

export function say(text: string): void {
  const id = add({ kind: "done", text, remedy: "" });
  window.setTimeout(() => dismiss(id), 5000);
}

const UNDO_MS = 8000;

/** Something is done and can be taken back, by `back`, for a while. */
export function undoable(text: string, back: () => void): void {
  const act = () => {
    dismiss(id);
    back();
  };
  const id = add({ kind: "undo", text, remedy: "", action: { label: "Undo", act } });
  window.setTimeout(() => dismiss(id), UNDO_MS);
}

/** Does something after a while unless undone; at once when the page is left. */
export function later(text: string, act: () => Promise<unknown>, undo: () => void): void {
  let open = true;
  const close = () => {
    if (!open) return false;
    open = false;
    window.clearTimeout(timer);
    window.removeEventListener("pagehide", finish);
    dismiss(id);
    return true;
  };
  const finish = () => {
    if (!close()) return;
    act().catch((error: unknown) => {
      undo();
      fail(error);
    });
  };
  const id = add({
    kind: "undo",
    text,
    remedy: "",
    action: {
      label: "Undo",
      act: () => {
        if (close()) undo();
      },
    },
  });
  const timer = window.setTimeout(finish, UNDO_MS);
  window.addEventListener("pagehide", finish);
}
