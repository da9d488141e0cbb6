/** One step of the iterates, and its matrix at a critical point. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { scalar } from "../program";
import type { Model, Point } from "../types";
import { eigenvalues } from "./symmetric";

/** A matrix [[a, b], [c, d]], row by row. */
export type Square = readonly [number, number, number, number];

/** Takes the state [x, y, vx, vy] to the next one, given F. The array is changed. */
export type Step = (state: Float64Array, fx: number, fy: number) => void;

export function stepOf({ step, lr, momentum }: Pick<Model, "step" | "lr" | "momentum">): Step {
  const compute = scalar(step.program);
  const inputs = new Float64Array(8);
  inputs[6] = lr;
  inputs[7] = momentum;
  return (state, fx, fy) => {
    inputs.set(state);
    inputs[4] = fx;
    inputs[5] = fy;
    state.set(compute(inputs));
  };
}

/**
 * Returns s = z − 1 [re, im] for the multipliers z of a step on (w, v), or on w without momentum, where F has this
 * Jacobian. s keeps the digits that z loses where steps are short.
 */
export function ratesOf(on: Pick<Model, "step" | "lr" | "momentum">, jacobian: Square): Point[] {
  const size = on.momentum > 0 && on.step.name !== "plain" ? 4 : 2;
  const step = stepOf(on);
  // The step is affine in the state and in F: its values at unit vectors, less that at 0, are the columns of its matrix.
  const change = (state: readonly number[], fx: number, fy: number): Float64Array => {
    const next = Float64Array.from(state);
    step(next, fx, fy);
    return next.map((value, i) => value - state[i]!);
  };
  const none = [0, 0, 0, 0];
  const [zero, ofX, ofY] = [change(none, 0, 0), change(none, 1, 0), change(none, 0, 1)];
  const columns = none.slice(0, size).map((_, j) => {
    const ofState = change(none.map((_, i) => (i === j ? 1 : 0)), 0, 0); // prettier-ignore
    const [fx, fy] = j < 2 ? [jacobian[j]!, jacobian[j + 2]!] : [0, 0];
    return ofState.map((value, i) => value - zero[i]! + (ofX[i]! - zero[i]!) * fx + (ofY[i]! - zero[i]!) * fy);
  });
  const entry = (i: number, j: number): number => columns[j]![i]!;
  if (columns.some((column) => !column.every(Number.isFinite))) return none.slice(0, size).map(() => [NaN, 0]);
  if (size === 2) return eigenvalues([entry(0, 0), entry(0, 1), entry(1, 0), entry(1, 1)]);
  const rows = Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => entry(i, j)));
  const { realEigenvalues: re, imaginaryEigenvalues: im } = new EigenvalueDecomposition(new Matrix(rows));
  return re.map((value, i) => [value, im[i]!]);
}

/** Returns |z|² − 1 for z = 1 + s: the sign says whether distances grow. */
export function growth([re, im]: Point): number {
  return 2 * re + re * re + im * im;
}
