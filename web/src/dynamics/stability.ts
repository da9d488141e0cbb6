/** What the iterates of a model do near a critical point. */
import { atPoint } from "../model";
import type { CriticalPoint, Interval, Model, Point, Role, Verdict } from "../types";
import { growth, ratesOf, type Square, stepOf } from "./steps";
import { eigenvalues } from "./symmetric";
import { bounceReturns, leadsBack, stepsStay, trapOf } from "./trap";

const NEUTRAL = 1e-13; // |z|² − 1 of a multiplier z, relative to the largest |z − 1|, that counts as rounding
const TRIAL_TIMES = 20; // length of a trial run, in units of 1/|λ| of the escape
const [SHORTEST_TRIAL, LONGEST_TRIAL] = [200, 2000]; // steps of a trial run
const SCAN = 200; // values of ρ at which stability is looked at
const RHO_TOLERANCE = 1e-14; // of an edge in ρ, relative to the slider's range

/** Returns the role of a critical point, and by which numbers. */
export function verdict(on: Model, point: CriticalPoint): Verdict {
  return on.method.differentiable ? linearised(on, point) : measured(on, point);
}

// ---------------------------------------------------------------- methods with a Jacobian

function linearised(on: Model, point: CriticalPoint): Verdict {
  const jacobian = jacobianAt(on, point.w, on.parameters);
  const rates = ratesOf(on, jacobian);
  return {
    role: roleOf(rates),
    effective: eigenvalues(jacobian),
    multipliers: rates.map(([re, im]) => [1 + re, im]),
    attractsFor: attractsFor(on, point),
    trap: null,
  };
}

function jacobianAt(on: Model, [x, y]: Point, parameters: Model["parameters"]): Square {
  const [a, b, c, d] = atPoint(on.variant.jacobian, on, parameters)(x, y);
  return [a!, b!, c!, d!];
}

/**
 * With momentum a direction of w has two multipliers, of which at most one is larger than 1 unless steps are too large.
 * So a repeller is a point from which all directions of w lead away, which has two such multipliers.
 */
function roleOf(rates: readonly Point[]): Role {
  const rounding = NEUTRAL * Math.max(...rates.map((s) => Math.hypot(...s)));
  const growing = rates.filter((s) => growth(s) > rounding).length;
  if (growing >= 2) return "repeller";
  if (growing === 1) return "saddle";
  return rates.every((s) => growth(s) < -rounding) ? "attractor" : "neutral";
}

const found = new WeakMap<CriticalPoint, Map<string, readonly Interval[]>>();

/** Returns the intervals of ρ over the slider's range in which the point attracts, or null if there is no ρ. */
function attractsFor(on: Model, point: CriticalPoint): readonly Interval[] | null {
  const rho = on.method.parameters.find((p) => p.name === "rho");
  if (!rho) return null;
  if (point.kind === "degenerate") return []; // along a direction of curvature 0 the linearisation is neutral
  // The intervals do not change while ρ does, and a slider asks for them at every frame.
  const { ascentSteps, average } = on.variant;
  const others = { ...on.parameters, rho: 0 };
  const key = JSON.stringify([on.landscape.formula, on.method.name, ascentSteps, average, on.step.name, on.lr, on.momentum, others]); // prettier-ignore
  let known = found.get(point);
  if (!known) found.set(point, (known = new Map()));
  let intervals = known.get(key);
  if (!intervals) known.set(key, (intervals = intervalsWhere((r) => attracts(on, point, r), rho.range)));
  return intervals;
}

function attracts(on: Model, point: CriticalPoint, rho: number): boolean {
  return ratesOf(on, jacobianAt(on, point.w, { ...on.parameters, rho })).every((s) => growth(s) < 0);
}

/** Returns the intervals in which a condition holds, whose edges are precise if none is shorter than a 200th. */
function intervalsWhere(holds: (value: number) => boolean, [low, high]: Interval): Interval[] {
  const at = (k: number): number => low + ((high - low) * k) / SCAN;
  const edge = (a: number, b: number): number => {
    const first = holds(a);
    for (let k = 0; k < 60 && b - a > RHO_TOLERANCE * (high - low); k++) {
      const middle = (a + b) / 2;
      if (holds(middle) === first) a = middle;
      else b = middle;
    }
    return (a + b) / 2;
  };
  const intervals: Interval[] = [];
  let start: number | null = null;
  for (let k = 0; k <= SCAN; k++) {
    const isInside = holds(at(k));
    if (isInside && start === null) start = k === 0 ? low : edge(at(k - 1), at(k));
    if (!isInside && start !== null) {
      intervals.push([start, edge(at(k - 1), at(k))]);
      start = null;
    }
  }
  if (start !== null) intervals.push([start, high]);
  return intervals;
}

// ---------------------------------------------------------------- methods without one

/**
 * Looks where F leads along the Hessian's eigenvectors, since F jumps at the point. How far it looks is the landscape's
 * matter and not that of the view: what a point is must not change when one zooms.
 */
function measured(on: Model, point: CriticalPoint): Verdict {
  const [[left, right], [bottom, top]] = on.landscape.box;
  const size = Math.min(right - left, top - bottom);
  const [low, high] = point.eigenvalues;
  const result = { effective: null, multipliers: null, attractsFor: null };
  const zero = point.kind === "degenerate" ? 1e-6 * Math.max(Math.abs(low), Math.abs(high)) : 0;
  const escapes = point.eigenvectors.filter((_, i) => point.eigenvalues[i]! < -zero);
  if (escapes.length > 0) {
    const width = Math.min(...escapes.map((e) => trapOf(on, point, e, size)));
    const isKept = escapes.every((e) => bounceReturns(on, point, e, size) && stepsStay(on, point.w, e, size, width));
    // The quadratic says too early that long steps throw runs out: then runs of the landscape itself decide.
    const trap = isKept || escapes.every((e) => runsStay(on, point, e, width)) ? width : 0;
    return { ...result, role: trap > 0 ? "holds" : escapes.length === 2 ? "repeller" : "saddle", trap };
  }
  if (point.kind !== "minimum") return { ...result, role: "neutral", trap: null };
  const isAttractor = point.eigenvectors.every((e) => leadsBack(on, point.w, e, size)) && staysNear(on, point);
  return { ...result, role: isAttractor ? "attractor" : "repeller", trap: null };
}

/** Returns whether runs from several places of a trap are still in it after many times the time of an escape. */
function runsStay(on: Model, point: CriticalPoint, e: Point, trap: number): boolean {
  if (!(trap > 0 && trap < Infinity)) return false;
  const isFirst = e === point.eigenvectors[0];
  const across = point.eigenvectors[isFirst ? 1 : 0];
  const time = TRIAL_TIMES / (on.lr * Math.abs(point.eigenvalues[isFirst ? 0 : 1]));
  const steps = Math.min(LONGEST_TRIAL, Math.max(SHORTEST_TRIAL, Math.ceil(time)));
  const field = atPoint(on.variant.field, on);
  const advance = stepOf(on);
  const away = (state: Float64Array): number => Math.abs((state[0]! - point.w[0]) * e[0] + (state[1]! - point.w[1]) * e[1]);
  return [0.25, -0.25, 0.75, -0.75].every((share) => {
    const at = ([0, 1] as const).map((i) => point.w[i] + trap * (share * e[i] + 0.1 * across[i]));
    const state = Float64Array.of(at[0]!, at[1]!, 0, 0);
    for (let k = 0; k < steps; k++) {
      const [fx, fy] = field(state[0]!, state[1]!);
      advance(state, fx!, fy!);
      if (!(away(state) <= 2 * trap)) return false; // one step may overshoot the edge and be led back
    }
    return away(state) <= trap;
  });
}

/** Returns whether steps of the model bounce about a minimum without growing: whether they are short enough for H. */
function staysNear(on: Model, { eigenvalues: [low, high] }: CriticalPoint): boolean {
  return ratesOf(on, [low, 0, 0, high]).every((s) => growth(s) < 0);
}
