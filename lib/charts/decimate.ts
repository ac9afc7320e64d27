/**
 * At most `limit` points in place of a longer series: means of neighbours, so that the noise shrinks and the trend stays.
 * Figures stay small enough to be sent several times a second.
 * @param points rows of numbers, in order
 */
export function decimate<T extends { readonly [key in keyof T]: number }>(points: readonly T[], limit: number): T[] {
  if (!(limit >= 1)) throw new RangeError(`limit is ${limit}; it must be at least 1`);
  if (points.length <= limit) return [...points];
  return Array.from({ length: limit }, (_, bucket) => {
    const from = Math.floor((bucket * points.length) / limit);
    const to = Math.floor(((bucket + 1) * points.length) / limit);
    return mean(points.slice(from, to));
  });
}

/** The same for epochs: the last one stays as it is, since it is what the run came to. */
export function decimateEpochs<T extends { readonly [key in keyof T]: number }>(
  points: readonly T[],
  limit: number,
): T[] {
  if (points.length <= limit) return [...points];
  return [...decimate(points.slice(0, -1), limit - 1), points[points.length - 1]];
}

function mean<T extends { readonly [key in keyof T]: number }>(points: readonly T[]): T {
  const keys = Object.keys(points[0]) as (keyof T)[];
  const entries = keys.map((key) => [key, points.reduce((sum, point) => sum + point[key], 0) / points.length]);
  return Object.fromEntries(entries) as T;
}
