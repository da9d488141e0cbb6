/** The numbers of a method in the units of a landscape. */
import type { CriticalPoint, MethodData } from "./types";

const RANGE_OVER_THRESHOLD = 4; // end of ρ's slider, in thresholds 1/|λ|
const START_OVER_THRESHOLD = 0.8; // the first ρ is below the threshold, so that dragging it up passes it
const STEP_OVER_CURVATURE = 0.05; // η|λ| of the sharpest critical point: SAM multiplies its curvature, and must not overshoot

/**
 * Returns the curvature that an unnormalised method must overcome: |λ| of the steepest escape from a saddle, or that of the
 * sharpest point if there is no saddle; null if there is no point with a curvature.
 */
function curvature(points: readonly CriticalPoint[]): number | null {
  const escapes = points.flatMap(({ eigenvalues: [low, high] }) => (low < 0 && high > 0 ? [-low] : []));
  const all = points.flatMap(({ eigenvalues }) => eigenvalues.map(Math.abs));
  const result = Math.max(...(escapes.length > 0 ? escapes : all));
  return result > 0 && Number.isFinite(result) ? result : null;
}

/** Whether the method climbs by ρ times a gradient and not by ρ: its ρ is in the units of w per gradient, those of 1/λ. */
export function climbsByGradient(method: MethodData): boolean {
  return method.differentiable && method.parameters.some(({ name }) => name === "rho");
}

/** Returns 1, 2 or 5 times a power of 10, at most a number. */
function roundedDown(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digit = [5, 2, 1].find((d) => d * power <= value * 1.0001) ?? 1;
  return Number((digit * power).toPrecision(1));
}

const scaled = new WeakMap<readonly CriticalPoint[], Map<MethodData, MethodData>>();

/** Returns a method whose slider of ρ suits the curvatures of these points. The same arguments give the same object. */
export function inUnitsOf(points: readonly CriticalPoint[], method: MethodData): MethodData {
  const lambda = climbsByGradient(method) ? curvature(points) : null;
  if (lambda === null) return method;
  let known = scaled.get(points);
  if (!known) scaled.set(points, (known = new Map()));
  let result = known.get(method);
  if (!result) {
    const range = [0, roundedDown(RANGE_OVER_THRESHOLD / lambda)] as const;
    const value = Number((START_OVER_THRESHOLD / lambda).toPrecision(1));
    const parameters = method.parameters.map((p) => (p.name === "rho" ? { ...p, range, value } : p));
    known.set(method, (result = { ...method, parameters }));
  }
  return result;
}

/** Returns a learning rate that suits the curvatures of these points: 1, 2 or 5 times a power of 10. */
export function suggestedLr(points: readonly CriticalPoint[]): number {
  const sharpest = Math.max(0, ...points.flatMap(({ eigenvalues }) => eigenvalues.map(Math.abs)));
  if (!(sharpest > 0 && Number.isFinite(sharpest))) return 0.01;
  return roundedDown(Math.min(0.1, Math.max(1e-5, STEP_OVER_CURVATURE / sharpest)));
}
