/** Colours of classes: Okabe and Ito (2008), told apart by all kinds of colour vision. Pure. */
const OKABE_ITO = ["#e69f00", "#56b4e9", "#f0e442", "#009e73", "#cc79a7", "#d55e00", "#0072b2", "#e8e8e8"] as const;

/** The colour of a class by its place in the detector's taxonomy; beyond eight they repeat. */
export function classColour(index: number): string {
  return OKABE_ITO[((index % OKABE_ITO.length) + OKABE_ITO.length) % OKABE_ITO.length] ?? OKABE_ITO[0];
}

export const ANNOTATION_COLOUR = "#ffffff";

export function translucent(hex: string, alpha: number): string {
  const value = Number.parseInt(hex.slice(1), 16);
  return `rgba(${value >> 16}, ${(value >> 8) & 255}, ${value & 255}, ${alpha})`;
}
