/** Lengths and areas on the WGS 84 ellipsoid. Pure. */

/** Longitude, latitude in degrees. */
export type LonLat = readonly [number, number];

const A = 6_378_137;
const F = 1 / 298.257223563;
const B = A * (1 - F);
const E2 = F * (2 - F);
const E = Math.sqrt(E2);

/** Metres along the geodesic between two points: T. Vincenty (1975), Survey Review 23 (176), inverse formula.
 * Where it does not converge (all but opposite points of the earth): along the great circle. */
export function distance(from: LonLat, to: LonLat): number {
  const [u1, u2] = [reduced(from[1]), reduced(to[1])];
  const difference = radians(to[0] - from[0]);
  let lambda = difference;
  for (let turn = 0; turn < 100; turn += 1) {
    const across = Math.cos(u2) * Math.sin(lambda);
    const along = Math.cos(u1) * Math.sin(u2) - Math.sin(u1) * Math.cos(u2) * Math.cos(lambda);
    const sinSigma = Math.hypot(across, along);
    if (sinSigma === 0) return 0;
    const cosSigma = Math.sin(u1) * Math.sin(u2) + Math.cos(u1) * Math.cos(u2) * Math.cos(lambda);
    const sigma = Math.atan2(sinSigma, cosSigma);
    const sinAlpha = (Math.cos(u1) * Math.cos(u2) * Math.sin(lambda)) / sinSigma;
    const cos2Alpha = 1 - sinAlpha ** 2;
    const middle = cos2Alpha === 0 ? 0 : cosSigma - (2 * Math.sin(u1) * Math.sin(u2)) / cos2Alpha;
    const c = (F / 16) * cos2Alpha * (4 + F * (4 - 3 * cos2Alpha));
    const before = lambda;
    lambda = difference + (1 - c) * F * sinAlpha * (sigma + c * sinSigma * (middle + c * cosSigma * (2 * middle ** 2 - 1)));
    if (Math.abs(lambda - before) < 1e-12) return B * series({ sigma, sinSigma, cosSigma, middle, cos2Alpha });
  }
  return A * Math.acos(Math.min(1, Math.sin(u1) * Math.sin(u2) + Math.cos(u1) * Math.cos(u2) * Math.cos(difference)));
}

interface Arc {
  sigma: number;
  sinSigma: number;
  cosSigma: number;
  middle: number;
  cos2Alpha: number;
}

function series({ sigma, sinSigma, cosSigma, middle, cos2Alpha }: Arc): number {
  const u = (cos2Alpha * (A ** 2 - B ** 2)) / B ** 2;
  const a = 1 + (u / 16384) * (4096 + u * (-768 + u * (320 - 175 * u)));
  const b = (u / 1024) * (256 + u * (-128 + u * (74 - 47 * u)));
  const last = (b / 6) * middle * (4 * sinSigma ** 2 - 3) * (4 * middle ** 2 - 3);
  return a * (sigma - b * sinSigma * (middle + (b / 4) * (cosSigma * (2 * middle ** 2 - 1) - last)));
}

/** Metres along a line through points. */
export function length(points: readonly LonLat[]): number {
  return points.slice(1).reduce((sum, point, index) => sum + distance(points[index] ?? point, point), 0);
}

/** Square metres within a ring, closed by itself: on the sphere of equal area (Snyder 1987, eq. 3-11 to 3-13), where
 * the ring's edges are straight in longitude and the sine of the authalic latitude. Exact for parallels and meridians. */
export function area(points: readonly LonLat[]): number {
  const sum = points.reduce((total, [longitude, latitude], index) => {
    const [next, other] = points[(index + 1) % points.length] ?? [longitude, latitude];
    return total + radians(next - longitude) * (q(latitude) + q(other));
  }, 0);
  return Math.abs((sum * A ** 2) / 4);
}

function q(latitude: number): number {
  const s = Math.sin(radians(latitude));
  return (1 - E2) * (s / (1 - E2 * s ** 2) - Math.log((1 - E * s) / (1 + E * s)) / (2 * E));
}

const radians = (degrees: number): number => (degrees * Math.PI) / 180;
const reduced = (latitude: number): number => Math.atan((1 - F) * Math.tan(radians(latitude)));
