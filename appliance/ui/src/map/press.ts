/** Drawing by keyboard: a click in the middle of the map, as every tool that waits for clicks understands it. */
import { sceneMap } from "./live";

export function pressInTheMiddle(): void {
  const viewport = sceneMap.get()?.map.getViewport();
  if (!viewport) return;
  const { left, top, width, height } = viewport.getBoundingClientRect();
  const at = { clientX: left + width / 2, clientY: top + height / 2, pointerId: 1, pointerType: "mouse", isPrimary: true, bubbles: true };
  for (const [kind, buttons] of [["pointermove", 0], ["pointerdown", 1], ["pointerup", 0]] as const) {
    viewport.dispatchEvent(new PointerEvent(kind, { ...at, button: kind === "pointermove" ? -1 : 0, buttons }));
  }
}

/** Whether the keyboard is on the map. */
export const onMap = (): boolean => document.activeElement?.classList.contains("map") === true;
