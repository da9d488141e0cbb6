/** Operations on numbers, for the constant parts of formulas. */
import { OPERATIONS, scalar, type Scalar } from "../program";

const SPECIAL: Readonly<Record<string, (u: number) => number>> = {
  softplus: (u) => Math.max(u, 0) + Math.log1p(Math.exp(-Math.abs(u))),
  logistic: (u) => (u > 0 ? 1 / (1 + Math.exp(-u)) : Math.exp(u) / (1 + Math.exp(u))),
  logcosh: (u) => Math.abs(u) + Math.log1p(Math.exp(-2 * Math.abs(u))) - Math.LN2,
};
const functions = new Map<string, Scalar>();

/** Returns an operation of numbers, which is nan where it has no real value. */
export function scalarOperation(operation: string, args: readonly number[]): number {
  const special = SPECIAL[operation];
  if (special) return special(args[0]!);
  let compute = functions.get(operation);
  if (!compute) {
    const places = Array.from({ length: OPERATIONS[operation]! }, (_, i) => i);
    compute = scalar({ inputs: places.map(String), code: [[operation, ...places]], outputs: [places.length] });
    functions.set(operation, compute);
  }
  return compute(args)[0]!;
}
