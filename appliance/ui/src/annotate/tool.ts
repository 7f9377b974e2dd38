/** What the pointer does on the map: nothing special, edit the shape that is selected, or draw one. */
import { createStore } from "../state/store";

export type Tool = "none" | "edit" | "box" | "polygon";

export const tool = createStore<Tool>("none");

/** Clicks belong to the drawing. */
export const drawing = (): boolean => tool.get() === "box" || tool.get() === "polygon";
