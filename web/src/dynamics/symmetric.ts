/** Eigenvalues of 2 × 2 matrices in closed form. */
import type { Point } from "../types";

export interface Eigen {
  /** Ascending. */
  values: [number, number];
  /** Unit eigenvectors of the values. */
  vectors: [Point, Point];
}

/** Returns eigenvalues and eigenvectors of the symmetric matrix [[xx, xy], [xy, yy]]. */
export function symmetricEigen(xx: number, xy: number, yy: number): Eigen {
  if (xy === 0)
    return xx <= yy
      ? { values: [xx, yy], vectors: [[1, 0], [0, 1]] }
      : { values: [yy, xx], vectors: [[0, 1], [1, 0]] }; // prettier-ignore
  // One rotation of Jacobi's method, which keeps the digits of the small eigenvalue.
  const slope = (yy - xx) / (2 * xy);
  const tangent = (slope < 0 ? -1 : 1) / (Math.abs(slope) + Math.hypot(1, slope));
  const cos = 1 / Math.hypot(1, tangent);
  const sin = tangent * cos;
  const [a, b] = [xx - tangent * xy, yy + tangent * xy];
  const [u, v]: [Point, Point] = [[cos, -sin], [sin, cos]]; // prettier-ignore
  return a <= b ? { values: [a, b], vectors: [u, v] } : { values: [b, a], vectors: [v, u] };
}

/** Returns the eigenvalues [re, im] of the matrix [[a, b], [c, d]], by ascending real part. */
export function eigenvalues([a, b, c, d]: readonly [number, number, number, number]): [Point, Point] {
  const middle = (a + d) / 2;
  const half = (a - d) / 2;
  const square = half * half + b * c;
  const root = Math.sqrt(Math.abs(square));
  if (square < 0) return [[middle, -root], [middle, root]]; // prettier-ignore
  if (b === 0 || c === 0) return a <= d ? [[a, 0], [d, 0]] : [[d, 0], [a, 0]]; // prettier-ignore
  return [[middle - root, 0], [middle + root, 0]]; // prettier-ignore
}
