/** Coordinates and scale as text. Pure. */
import { forward, toPoint } from "mgrs";

export function latLon(latitude: number, longitude: number): string {
  const side = (value: number, positive: string, negative: string) =>
    `${Math.abs(value).toFixed(5)}°\u202f${value < 0 ? negative : positive}`;
  return `${side(latitude, "N", "S")} ${side(longitude, "E", "W")}`;
}

/** Military grid, to the metre, in groups as it is read aloud; empty beyond 84 N and 80 S, where it is not defined. */
export function mgrsText(latitude: number, longitude: number): string {
  if (latitude > 84 || latitude < -80) return "";
  const text = forward([((longitude + 540) % 360) - 180, latitude], 5);
  const match = /^(\d{1,2}[A-Z])([A-Z]{2})(\d{5})(\d{5})$/.exec(text);
  return match ? match.slice(1).join(" ") : text;
}

/** A place somebody typed: "29.68, -81.99", "29.68 N 81.99 W" or a military grid reference. Null where it is neither. */
export function parsePlace(text: string): { latitude: number; longitude: number } | null {
  const grid = text.replaceAll(/\s+/g, "").toUpperCase();
  if (/^\d{1,2}[C-X][A-Z]{2}(\d{2}){1,5}$/.test(grid)) {
    try {
      const [longitude, latitude] = toPoint(grid);
      return { latitude, longitude };
    } catch {
      return null;
    }
  }
  const match = /^\s*(-?\d+(?:\.\d+)?)\s*°?\s*([NS])?[\s,;]+(-?\d+(?:\.\d+)?)\s*°?\s*([EW])?\s*$/i.exec(text);
  if (!match) return null;
  const latitude = Number(match[1]) * (match[2]?.toUpperCase() === "S" ? -1 : 1);
  const longitude = Number(match[3]) * (match[4]?.toUpperCase() === "W" ? -1 : 1);
  return Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180 ? { latitude, longitude } : null;
}

/** The longest of 1, 2, 5 times a power of ten that is not wider than `widest` screen pixels. */
export function scaleBar(unitsPerPixel: number, widest: number): { length: number; pixels: number } {
  const most = unitsPerPixel * widest;
  const power = 10 ** Math.floor(Math.log10(most));
  const length = ([5, 2, 1].find((step) => step * power <= most) ?? 1) * power;
  return { length, pixels: length / unitsPerPixel };
}

/** The denominator of 1:n on a screen of 96 pixels to the inch, to two figures. */
export function scaleDenominator(metresPerPixel: number): number {
  return Number(((metresPerPixel * 96) / 0.0254).toPrecision(2));
}
