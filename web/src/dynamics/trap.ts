/** Where the field of a method without a Jacobian leads, along a line through a critical point. */
import { atPoint } from "../model";
import type { CriticalPoint, Model, Point } from "../types";
import { quadraticAt } from "./quadratic";

const NEAREST = 1e-6; // in units of the box; the smallest distance that is looked at
const NEAREST_OF_RHO = 0.01; // the same in units of ρ, whose size a trap has: a box may be far larger
const FARTHEST = 1e3; // in units of the box or of ρ; the largest bounce that is looked for
const PER_DECADE = 40; // distances looked at, per factor of 10
const PRECISION = 1e-9; // relative, of an edge; nearer a jump, rounding turns the direction of the ascent
const JUMP = 0.05; // a field that changes its sign within rounding by more than this share of its size jumps there

/** Returns the speed toward a point, −F·e outward, at a signed distance along a direction. */
function inwardSpeed(on: Model, [x, y]: Point, [ex, ey]: Point): (distance: number) => number {
  const field = atPoint(on.variant.field, on);
  return (distance) => {
    const [fx, fy] = field(x + distance * ex, y + distance * ey);
    return Math.sign(distance) * (fx! * ex + fy! * ey);
  };
}

function nearest({ parameters: { rho } }: Model, size: number): number {
  return rho ? Math.min(NEAREST * size, NEAREST_OF_RHO * rho) : NEAREST * size;
}

/** Returns whether the field leads back from both sides, at the smallest distances. */
export function leadsBack(on: Model, w: Point, e: Point, size: number): boolean {
  const speed = inwardSpeed(on, w, e);
  const first = nearest(on, size);
  return [1, -1].every((side) => [1, 10, 100].every((k) => speed(side * k * first) > 0));
}

/**
 * Returns the distance, on the nearer side, within which runs are led back; Infinity if they are at all distances up to `size`.
 *
 * The quadratic at the point says which edge of the field is that of the trap: very near the point the perturbed point is
 * far beyond it, so that the landscape's further terms may lead outward along this line although runs stay. The field
 * itself then gives the edge's place.
 */
export function trapOf(on: Model, point: CriticalPoint, e: Point, size: number): number {
  const nearby = inwardSpeed({ ...on, landscape: quadraticAt(on.landscape, point) }, point.w, e);
  const speed = inwardSpeed(on, point.w, e);
  const first = nearest(on, size);
  const sides = [1, -1].map((side) => {
    const local = edge((distance) => nearby(side * distance), first, size);
    if (local === 0) return 0;
    const own = (distance: number): number => speed(side * distance);
    return (local < Infinity ? nearestEdge(own, local) : null) ?? edge(own, first, size);
  });
  return Math.min(...sides);
}

/**
 * Returns whether no step from within a trap along e jumps out of it on the other side. On a quadratic it does so from near
 * the point if η|λ| > 1; iterates come there sooner or later, as they do not rest. With momentum this is a step from rest.
 */
export function stepsStay(on: Model, w: Point, e: Point, size: number, trap: number): boolean {
  const speed = inwardSpeed(on, w, e);
  const factor = 10 ** (1 / PER_DECADE);
  for (let distance = nearest(on, size); distance < trap && distance <= size; distance *= factor)
    if ([1, -1].some((side) => on.lr * speed(side * distance) - distance > trap)) return false;
  return true;
}

/**
 * Returns whether runs that bounce across an escape direction e are led back along it. Where F jumps,
 * iterates do not come to rest: across the escape direction they go to and fro between d and −d. The derivative of F along e
 * at d then decides whether they stay, and with a large η they leave the trap that the flow has. The bounce is that of the
 * quadratic at the point. With ηλ ≥ 2 across there is no such d, as steps grow without end.
 */
export function bounceReturns(on: Model, point: CriticalPoint, e: Point, size: number): boolean {
  const across = point.eigenvectors[e === point.eigenvectors[0] ? 1 : 0];
  const nearby = { ...on, landscape: quadraticAt(on.landscape, point) };
  const speed = inwardSpeed(nearby, point.w, across);
  const share = factorOfBounce(on);
  const factor = 10 ** (1 / PER_DECADE);
  const first = nearest(on, size);
  const last = FARTHEST * Math.max(size, on.parameters.rho ?? 0);
  for (let distance = first; distance <= last; distance *= factor) {
    if (speed(distance) > share * distance) continue;
    if (distance === first) return true;
    const [d] = bisected((at) => speed(at) > share * at, distance / factor, distance);
    const jacobian = atPoint(on.variant.jacobian, nearby);
    const [xx, xy, yx, yy] = jacobian(point.w[0] + d * across[0], point.w[1] + d * across[1]);
    return e[0] * (xx! * e[0] + xy! * e[1]) + e[1] * (yx! * e[0] + yy! * e[1]) > 0;
  }
  return false;
}

/** Returns F/d where iterates go to and fro between d and −d: 2/η, and with momentum what its step makes of it. */
function factorOfBounce({ step, lr, momentum }: Model): number {
  const forms = { plain: 2, "heavy ball": 2 * (1 + momentum), Nesterov: (2 * (1 + momentum)) / (1 + 2 * momentum) };
  return forms[step.name] / lr;
}

/** Returns the place nearest a distance, to within a factor of 2, where the field turns outward; null if there is none. */
function nearestEdge(speed: (distance: number) => number, distance: number): number | null {
  const factor = 10 ** (1 / PER_DECADE);
  for (let a = distance, b = distance; b < 2 * distance; a /= factor, b *= factor)
    for (const from of [a / factor, b])
      if (speed(from) > 0 && !(speed(from * factor) > 0)) {
        const [low, high] = bisected((d) => speed(d) > 0, from, from * factor);
        return (low + high) / 2;
      }
  return null;
}

/**
 * Returns the outer edge of the outermost region of the trap in which the field leads inward. Runs from nearer the point do
 * not cross it. A trap may have several regions, as with several steps of ascent; each begins at the point or with a jump.
 * Where the field passes 0 smoothly there is a minimum of the loss, and no trap of the point.
 */
function edge(speed: (distance: number) => number, first: number, size: number): number {
  let before = first;
  let isInside = speed(before) > 0;
  let result = 0;
  const factor = 10 ** (1 / PER_DECADE);
  for (let distance = before * factor; distance <= size; before = distance, distance *= factor) {
    if (speed(distance) > 0 === isInside) continue;
    const [low, high] = bisected((d) => speed(d) > 0 === isInside, before, distance);
    if (isInside) result = (low + high) / 2;
    else {
      const largest = Math.max(Math.abs(speed(before)), Math.abs(speed(distance)));
      if (!(speed(high) - speed(low) > JUMP * largest)) return result;
    }
    isInside = !isInside;
  }
  return isInside ? Infinity : result;
}

/** Returns the two sides of the place where a condition ceases to hold. */
function bisected(holds: (distance: number) => boolean, low: number, high: number): [number, number] {
  while (high - low > PRECISION * high) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return [low, high];
}
