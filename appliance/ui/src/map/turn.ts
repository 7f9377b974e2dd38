/** Turns the map, also before the scene is up. Used by the tools of the map, the keys and the palette. */
import { adjust, getAddress } from "../state/navigation";
import type { SceneMap } from "./scene-map";

/** Clockwise by degrees; null: north comes up. */
export function turn(map: SceneMap | null, degrees: number | null): void {
  const { scene, place } = getAddress();
  // A scene that is on its way comes up as the address has it.
  if (scene !== null && place && !map?.showsScene) adjust({ place: { ...place, turn: degrees === null ? 0 : (place.turn + degrees + 360) % 360 } });
  map?.turnBy(degrees);
}
