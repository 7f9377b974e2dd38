/** Obeys the keyboard, except while somebody types or a dialogue is open. */
import { useEffect, useRef } from "react";
import { annotateBinding, stopTool } from "../annotate/keys";
import { stopComparing } from "../compare/acts";
import { getAddress, go } from "../state/navigation";
import { letterKeys } from "../state/preferences";
import { useWorkspace, type Workspace } from "../state/workspace";
import { actAlways, BINDINGS } from "./bindings";

export function useKeys(): void {
  const workspace = useWorkspace();
  const current = useRef(workspace);
  useEffect(() => {
    current.current = workspace;
  }, [workspace]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      if (actAlways(event) || obey(event, current.current)) event.preventDefault();
    };
    window.addEventListener("keydown", press);
    return () => window.removeEventListener("keydown", press);
  }, []);
}

function obey(event: KeyboardEvent, workspace: Workspace): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return false;
  if (event.target instanceof Element && typing(event.target)) return false;
  if (event.key === "Escape") {
    // An open menu takes Escape for itself.
    if (document.querySelector("[popover]:popover-open")) return false;
    if (stopTool()) return true;
    if (getAddress().selection === null && getAddress().annotation === null) return stopComparing();
    go({ selection: null, annotation: null });
    return true;
  }
  const annotate = annotateBinding(event.key, workspace, letterKeys.get());
  if (annotate) {
    annotate();
    return true;
  }
  const binding = letterKeys.get() ? BINDINGS.find((each) => each.keys.includes(event.key.toLowerCase()) && each.possible?.(workspace) !== false) : undefined;
  binding?.act(workspace, event.key);
  return binding !== undefined;
}

export function typing(element: Element): boolean {
  if (element instanceof HTMLInputElement) return element.type !== "range" && element.type !== "checkbox";
  return element instanceof HTMLTextAreaElement || element instanceof HTMLSelectElement;
}
