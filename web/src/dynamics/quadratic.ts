/** The quadratic that a landscape is near a critical point. */
import type { CriticalPoint, Instruction, Landscape, Program } from "../types";

const known = new WeakMap<CriticalPoint, Landscape>();

/** Returns a landscape with the gradient H(w − w*), where the Hessian has these eigenvalues at the critical point w*. */
export function quadraticAt(on: Landscape, point: CriticalPoint): Landscape {
  let result = known.get(point);
  if (!result) known.set(point, (result = quadratic(on, point)));
  return result;
}

function quadratic(on: Landscape, { w, eigenvalues, eigenvectors }: CriticalPoint): Landscape {
  const entry = (i: 0 | 1, j: 0 | 1): number =>
    eigenvalues[0] * eigenvectors[0][i] * eigenvectors[0][j] + eigenvalues[1] * eigenvectors[1][i] * eigenvectors[1][j];
  const [xx, xy, yy] = [entry(0, 0), entry(0, 1), entry(1, 1)];
  const inputs = on.coordinates;
  const gradient: Instruction[] = [
    ["=", w[0]], ["=", w[1]], ["-", 0, 2], ["-", 1, 3], ["=", xx], ["=", xy], ["=", yy],
    ["*", 6, 4], ["*", 7, 5], ["+", 9, 10], ["*", 7, 4], ["*", 8, 5], ["+", 12, 13],
  ]; // prettier-ignore
  const constants = (...values: number[]): Program => ({
    inputs,
    code: values.map((value) => ["=", value]),
    outputs: values.map((_, i) => 2 + i),
  });
  const programs = {
    ...on.programs,
    gradient: { inputs, code: gradient, outputs: [11, 14] },
    hessian: constants(xx, xy, yy),
    third: constants(0, 0, 0, 0),
  };
  return { ...on, programs };
}
