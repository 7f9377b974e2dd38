/** Whether this person may change what the cluster holds: the API lets administrators only. */
import { person } from "../api/session";
import { useStore } from "../state/store";

export const useMay = (): boolean => useStore(person)?.role === "administrator";
