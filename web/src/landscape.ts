/** A landscape as functions. */
import { evaluate, scalar } from "./program";
import type { Landscape, LandscapeData } from "./types";

export function landscape(data: LandscapeData): Landscape {
  const { value, gradient, hessian } = data.programs;
  const [ofValue, ofGradient, ofHessian] = [scalar(value), scalar(gradient), scalar(hessian)];
  const w = new Float64Array(2);
  const at = (x: number, y: number): Float64Array => {
    w[0] = x;
    w[1] = y;
    return w;
  };
  return {
    ...data,
    value: (x, y) => ofValue(at(x, y))[0]!,
    gradient: (x, y) => {
      const [a, b] = ofGradient(at(x, y));
      return [a!, b!];
    },
    hessian: (x, y) => {
      const [xx, xy, yy] = ofHessian(at(x, y));
      return [xx!, xy!, yy!];
    },
    values: (x, y) => evaluate(value, [x, y])[0]!,
  };
}
