/** Whether the palette and the help are open. */
import { createStore } from "../state/store";

export const paletteOpen = createStore<boolean>(false);
export const helpOpen = createStore<boolean>(false);
