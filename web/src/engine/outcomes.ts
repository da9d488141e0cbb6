/**
 * When a particle counts as captured by a critical point. Both engines follow these rules:
 *
 * - It is within the ellipse around the nearest point, whose half-axes are `radius`. The distance d is in units of it.
 * - It stays there for the time `dwell` of the point, without going away: once d exceeds twice the least d since it
 *   came, and `floor`, its time starts anew. A particle that passes a saddle slowly goes away for most of the time, so slow
 *   passage is not shown as capture.
 * - Outside `far` (or at no finite place) it has left, and takes no further steps.
 */
import type { View } from "../draw/transform";
import type { CriticalPoint, Interval, Model } from "../types";

const RADIUS = 0.02; // half-axis over the view's side, times √2: 2 % of the diagonal of a square view
const RADII_OF_RHO = 1.25; // least radius, in units of ρ, of methods that stay near a point without resting there
const NOISE_RADII = 4; // least radius with noise, in standard deviations of the resting state at a minimum
const LARGEST_NOISE_RADIUS = 0.1; // of that radius over the view's side
const FLOOR = 0.01; // smallest distance that counts, in radii: rounding of gradients keeps particles this far off
const SPACINGS = 16; // and in spacings of single precision at the view's largest coordinate, 2⁻²³ of it each
const FAR = 4; // how far the region goes beyond the centre of the view, in sides of the view; and the same of the box
const DWELL = 10; // time in units of 1/|λ| of the direction that leads away fastest
const FLAT = 1e-6; // |λ| below which a direction gives no time scale
const FLAT_DWELL_STEPS = 200; // steps, where a point gives no time scale
/** A particle stays at least this many steps, whatever their size. */
export const LEAST_STEPS = 20;
const LARGEST_TABLE = 192; // cells per side
const TABLE_WORK = 1e6; // distances computed for a table

/** The nearest critical point, by cells over all points. */
export interface Table {
  size: number;
  low: [number, number];
  side: [number, number];
  /** x, y, number (-1: there is none) and dwell of the nearest point, row by row from the bottom. */
  cells: Float32Array;
}

export interface Rules {
  radius: [number, number];
  floor: number;
  far: View;
}

/** The rules that depend on numbers that may change at every frame. */
export function rulesOf(model: Model, points: readonly CriticalPoint[], view: View): Rules {
  const least = model.method.differentiable ? 0 : RADII_OF_RHO * (model.parameters.rho ?? 0);
  const spread = NOISE_RADII * restingDeviation(model, points);
  const sides = view.map(([low, high]) => high - low) as [number, number];
  const radius = sides.map((side) =>
    Math.max(RADIUS * Math.SQRT2 * side, least, Math.min(spread, LARGEST_NOISE_RADIUS * side)),
  ) as [number, number];
  // A particle of a small view has not left when it goes to a point of the landscape beside the view.
  const far = view.map((ofView, i) => {
    const [a, b] = [around(ofView), around(model.landscape.box[i]!)];
    return [Math.min(a[0], b[0]), Math.max(a[1], b[1])];
  }) as unknown as View;
  const spacing = Math.max(...view.flat().map(Math.abs)) * 2 ** -23;
  const floor = Math.max(FLOOR, (SPACINGS * spacing) / Math.min(...radius));
  // Noise and jumps of the field keep particles in motion anywhere within the radius.
  return { radius, floor: model.method.differentiable && model.deviation === 0 ? Math.min(floor, 1) : 1, far };
}

function around([low, high]: Interval): Interval {
  const middle = (low + high) / 2;
  return [middle - FAR * (high - low), middle + FAR * (high - low)];
}

/** Largest standard deviation of a coordinate of gradient descent with noise at rest at a minimum: σ² η / (2 λ (1 - γ)). */
function restingDeviation({ deviation, lr, momentum }: Model, points: readonly CriticalPoint[]): number {
  const curvatures = points.filter((point) => point.kind === "minimum").map((point) => point.eigenvalues[0]);
  return curvatures.length ? deviation * Math.sqrt(lr / (2 * Math.min(...curvatures) * (1 - momentum))) : 0;
}

/** The time for which a particle stays at a point until it counts as captured. */
function dwell(point: CriticalPoint, lr: number): number {
  const [low, high] = point.eigenvalues;
  const rate = Math.abs(low < -FLAT ? low : high);
  return rate > FLAT ? DWELL / rate : FLAT_DWELL_STEPS * lr;
}

export function nearestPoints(points: readonly CriticalPoint[], lr: number): Table {
  const size = points.length < 2 ? 1 : Math.min(LARGEST_TABLE, Math.ceil(Math.sqrt(TABLE_WORK / points.length)));
  const range = (axis: 0 | 1): [number, number] => {
    const places = points.map((point) => point.w[axis]);
    const low = Math.min(...places);
    const side = Math.max(...places) - low;
    return points.length && side > 0 ? [low, side] : [points.length ? low - 0.5 : 0, 1];
  };
  const [[left, width], [bottom, height]] = [range(0), range(1)];
  const dwells = points.map((point) => dwell(point, lr));
  const cells = new Float32Array(4 * size * size);
  for (let row = 0; row < size; row++) {
    const y = bottom + ((row + 0.5) / size) * height;
    for (let column = 0; column < size; column++) {
      const x = left + ((column + 0.5) / size) * width;
      let nearest = -1;
      let least = Infinity;
      for (let i = 0; i < points.length; i++) {
        const [px, py] = points[i]!.w;
        const distance = (x - px) ** 2 + (y - py) ** 2;
        if (distance < least) [nearest, least] = [i, distance];
      }
      const at = 4 * (row * size + column);
      cells[at] = points[nearest]?.w[0] ?? 0;
      cells[at + 1] = points[nearest]?.w[1] ?? 0;
      cells[at + 2] = nearest;
      cells[at + 3] = dwells[nearest] ?? 1;
    }
  }
  return { size, low: [left, bottom], side: [width, height], cells };
}
