/** Whether all changes have reached the appliance; and what the tool in the hand waits for. */
import { useEffect, useState } from "react";
import { useStore } from "../state/store";
import { stuck } from "./sender";
import { tool, type Tool } from "./tool";
import { queue } from "./work";

const TOOLS: Record<Exclude<Tool, "none">, string> = {
  edit: "Drag a corner, or the whole shape. Esc when done.",
  box: "Click two opposite corners, or move the map and press Space. Esc to stop.",
  polygon: "Click the corners, the last one twice, or move the map and press Space. Esc to stop.",
  measure: "Click along what is to be measured, at the end twice, or move the map and press Space. Esc to stop.",
};

export function SaveMark() {
  const waiting = useStore(queue).length;
  const trouble = useStore(stuck);
  const chosen = useStore(tool);
  const [worked, setWorked] = useState(false);
  useEffect(() => queue.subscribe(() => setWorked(true)), []);
  const state = waiting === 0 ? "saved" : trouble ? "stuck" : "saving";
  const text = { saved: "Saved", saving: "Saving", stuck: `${waiting} not saved: the appliance does not answer. Kept here and tried again.` }[state];
  return (
    <div className="save-mark" role="status">
      {chosen === "none" ? null : <span>{TOOLS[chosen]}</span>}
      {worked || waiting > 0 ? (
        <span data-testid="saved" data-state={state}>
          {text}
        </span>
      ) : null}
    </div>
  );
}
