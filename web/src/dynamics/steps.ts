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

/** Returns the multipliers [re, im] of a step on (w, v), or on w without momentum, where F has this Jacobian. */
export function multipliersOf(on: Pick<Model, "step" | "lr" | "momentum">, [a, b, c, d]: Square): Point[] {
  const size = on.momentum > 0 && on.step.name !== "plain" ? 4 : 2;
  const step = stepOf(on);
  // The step is affine: its values at unit vectors, less that at 0, are the columns of its matrix.
  const zero = new Float64Array(4);
  step(zero, 0, 0);
  const columns = Array.from({ length: size }, (_, j) => {
    const state = new Float64Array(4);
    state[j] = 1;
    step(state, a * (j === 0 ? 1 : 0) + b * (j === 1 ? 1 : 0), c * (j === 0 ? 1 : 0) + d * (j === 1 ? 1 : 0));
    return state.map((value, i) => value - zero[i]!);
  });
  const entry = (i: number, j: number): number => columns[j]![i]!;
  if (columns.some((column) => !column.every(Number.isFinite))) return Array.from({ length: size }, () => [NaN, 0]);
  if (size === 2) return eigenvalues([entry(0, 0), entry(0, 1), entry(1, 0), entry(1, 1)]);
  const rows = Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => entry(i, j)));
  const { realEigenvalues: re, imaginaryEigenvalues: im } = new EigenvalueDecomposition(new Matrix(rows));
  return re.map((value, i) => [value, im[i]!]);
}
