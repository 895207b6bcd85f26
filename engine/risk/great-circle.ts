/** Distances on the earth. */

const EARTH_RADIUS_KM = 6371.0088;
const RADIANS_PER_MICRODEGREE = Math.PI / 180 / 1_000_000;

/**
 * Whole kilometres between two places in 1e-6 degrees, by the haversine formula. The sphere of the mean radius (IUGG) is off by
 * at most half a percent. V8 computes sines in software, the same
 * on every machine.
 */
export function kilometresBetween(
  latitude: number,
  longitude: number,
  toLatitude: number,
  toLongitude: number,
): number {
  const phi = latitude * RADIANS_PER_MICRODEGREE;
  const toPhi = toLatitude * RADIANS_PER_MICRODEGREE;
  const halfNorth = Math.sin((toPhi - phi) / 2);
  const halfEast = Math.sin(((toLongitude - longitude) * RADIANS_PER_MICRODEGREE) / 2);
  const chord = halfNorth * halfNorth + Math.cos(phi) * Math.cos(toPhi) * halfEast * halfEast;
  return Math.floor(2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(chord))));
}
