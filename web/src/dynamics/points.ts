import type { CriticalPoint, Interval, Landscape } from "../types";
/** Returns the critical points in a box, at most 16. */
export function criticalPoints(on: Landscape, box: readonly [Interval, Interval]): CriticalPoint[] {
  throw new Error(String([on, box]));
}
