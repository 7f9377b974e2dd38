/** What the pointer does on the map: nothing special, edit the shape that is selected, draw one, or measure. */
import { createStore } from "../state/store";

export type Tool = "none" | "edit" | "box" | "polygon" | "measure";

export const tool = createStore<Tool>("none");

/** Clicks belong to the drawing. */
export const drawing = (): boolean => tool.get() === "box" || tool.get() === "polygon" || tool.get() === "measure";
