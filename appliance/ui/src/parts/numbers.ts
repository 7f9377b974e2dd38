/** Numbers as people here write them: thin spaces in thousands, a thin space before the unit. Pure. */
const THIN = "\u202f";

export function count(value: number): string {
  return Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
}

export function percent(fraction: number, digits = 0): string {
  return `${(fraction * 100).toFixed(digits)}${THIN}%`;
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let size = value;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size >= 100 || unit === 0 ? size.toFixed(0) : size.toPrecision(2)}${THIN}${units[unit] ?? ""}`;
}

export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}${THIN}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}${THIN}min ${whole % 60}${THIN}s`;
  return `${Math.floor(whole / 3600)}${THIN}h ${Math.floor((whole % 3600) / 60)}${THIN}min`;
}

export function metres(value: number): string {
  return value >= 1000 ? `${trim(value / 1000)}${THIN}km` : value >= 1 ? `${trim(value)}${THIN}m` : `${trim(value * 100)}${THIN}cm`;
}

/** A measured length, as finely as one can point: centimetres, decimetres, metres. */
export function measuredLength(value: number): string {
  if (value >= 1000) return `${(value / 1000).toFixed(3)}${THIN}km`;
  return `${value.toFixed(value < 10 ? 2 : 1)}${THIN}m`;
}

/** An area on the ground, or in pixels. */
export function area(value: number, ground: boolean): string {
  if (!ground) return `${count(value)}${THIN}px²`;
  if (value >= 1e6) return `${trim(value / 1e6)}${THIN}km²`;
  return value >= 1e4 ? `${trim(value / 1e4)}${THIN}ha` : `${value >= 100 ? count(value) : value.toFixed(1)}${THIN}m²`;
}

/** A moment as analysts note it: 2019-06-03 16:42 UTC. */
export function utc(instant: string): string {
  const date = new Date(instant);
  return Number.isNaN(date.getTime()) ? instant : `${date.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

function trim(value: number): string {
  return Number(value.toPrecision(3)).toString();
}
