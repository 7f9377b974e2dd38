/** What an annotation is, and a change from one such state to another. Pure. */
import type { Annotation } from "../api/client";

export type Ring = [number, number][];
export type ShapeKind = "box" | "turned-box" | "polygon";

export interface Origin {
  run_id: string;
  ordinal: number;
}

/** Label or rings null: those of the detection it was made of. Rings as in GeoJSON: WGS84, or pixels. */
export interface Stand {
  verdict: "accepted" | "rejected";
  label: string | null;
  shape: ShapeKind;
  rings: Ring[] | null;
  origin: Origin | null;
}

/** Null: there is no such annotation. */
export interface Change {
  item: string;
  id: string;
  before: Stand | null;
  after: Stand | null;
}

export function inverse({ item, id, before, after }: Change): Change {
  return { item, id, before: after, after: before };
}

export function standOf(annotation: Annotation): Stand | null {
  if (annotation.deleted) return null;
  return {
    verdict: annotation.verdict,
    label: annotation.label,
    shape: annotation.polygon ? "polygon" : annotation.box.angle_degrees === 0 ? "box" : "turned-box",
    rings: ringsOf(annotation.geometry),
    origin: annotation.origin ?? null,
  };
}

/** The rings of a GeoJSON polygon; null for anything else (a shape cut at the antimeridian, none yet). */
export function ringsOf(geometry: Record<string, unknown>): Ring[] | null {
  return geometry.type === "Polygon" ? (geometry.coordinates as Ring[]) : null;
}
