/** Where the field of a method without a Jacobian leads, along a line through a critical point. */
import { atPoint } from "../model";
import type { Model, Point } from "../types";

const NEAREST = 1e-6; // in units of the view; the smallest distance that is looked at
const PER_DECADE = 40; // distances looked at, per factor of 10
const JUMP = 0.05; // a field that changes its sign within rounding by more than this share of its size jumps there

/** Returns the speed toward a point, −F·e outward, at a signed distance along a direction. */
function inwardSpeed(on: Model, [x, y]: Point, [ex, ey]: Point): (distance: number) => number {
  const field = atPoint(on.variant.field, on);
  return (distance) => {
    const [fx, fy] = field(x + distance * ex, y + distance * ey);
    return Math.sign(distance) * (fx! * ex + fy! * ey);
  };
}

/** Returns whether the field leads back from both sides, at the smallest distances. */
export function leadsBack(on: Model, w: Point, e: Point, size: number): boolean {
  const speed = inwardSpeed(on, w, e);
  return [1, -1].every((side) => [1, 10, 100].every((k) => speed(side * k * NEAREST * size) > 0));
}

/** Returns the distance on the nearer side of the edge to which the field leads back; Infinity if it does so in all the view. */
export function trapOf(on: Model, w: Point, e: Point, size: number): number {
  const speed = inwardSpeed(on, w, e);
  const slope = (distance: number): number => {
    const [gx, gy] = on.landscape.gradient(w[0] + distance * e[0], w[1] + distance * e[1]);
    return gx * e[0] + gy * e[1];
  };
  return Math.min(...[1, -1].map((side) => edge((d) => speed(side * d), (d) => side * slope(side * d), size)));
}

/**
 * Returns the outer edge of the outermost region of the trap in which the field leads inward. Runs from nearer the point do
 * not cross it. A trap may have several regions, as with several steps of ascent; each begins at the point or with a jump.
 * Where the field passes 0 smoothly, or the loss itself turns upwards, there is a minimum of the loss and no trap of the point.
 */
function edge(speed: (distance: number) => number, slope: (distance: number) => number, size: number): number {
  let before = NEAREST * size;
  let isInside = speed(before) > 0;
  let result = 0;
  const factor = 10 ** (1 / PER_DECADE);
  for (let distance = before * factor; distance <= size; before = distance, distance *= factor) {
    if (speed(distance) > 0 === isInside) continue;
    const [low, high] = bisected((d) => speed(d) > 0 === isInside, before, distance);
    if (isInside) result = (low + high) / 2;
    else {
      const largest = Math.max(Math.abs(speed(before)), Math.abs(speed(distance)));
      if (!(speed(high) - speed(low) > JUMP * largest) || (slope(low) < 0 && slope(high) >= 0)) return result;
    }
    isInside = !isInside;
  }
  return isInside ? Infinity : result;
}

/** Returns the two sides of the place where a condition ceases to hold. */
function bisected(holds: (distance: number) => boolean, low: number, high: number): [number, number] {
  while (high - low > 1e-12 * high) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return [low, high];
}
