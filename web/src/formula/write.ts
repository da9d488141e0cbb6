/** Writes expressions as a program. */
import type { Instruction, Program } from "../types";
import { type Node, parts } from "./graph";

const LARGEST_PRODUCT = 8; // integer exponents up to this one are computed as products, as in the library

/** Returns the program that computes some expressions of the coordinates. */
export function program(inputs: readonly [string, string], outputs: readonly Node[]): Program {
  const code: Instruction[] = [];
  const places = new Map<Node, number>();
  const literals = new Map<number, number>();

  function add(operation: string, ...args: number[]): number {
    return inputs.length + code.push([operation, ...args]) - 1;
  }

  function literal(value: number): number {
    let place = literals.get(value);
    if (place === undefined) literals.set(value, (place = add("=", value)));
    return place;
  }

  function written(node: Node): number {
    if (node.operation === "=") return literal(node.value);
    if (node.operation === "x") return node.value;
    const args = node.args.map((part) => places.get(part)!);
    const u = args[0]!;
    switch (node.operation) {
      case "power":
        return power(u, node.value);
      case "max":
      case "min":
        return args.reduce((a, b) => add(node.operation, a, b));
      case "softplus":
        return add("+", add("max", u, literal(0)), add("log1p", add("exp", add("neg", add("abs", u)))));
      case "logistic": {
        const e = add("exp", add("neg", add("abs", u)));
        const isPositive = add(">", u, literal(0));
        return add("/", add("?", isPositive, literal(1), e), add("+", literal(1), e));
      }
      case "logcosh": {
        const a = add("abs", u);
        const near = add("min", a, literal(1));
        const m = add("expm1", add("neg", near));
        // log(1 + 2 sinh²(a/2)) keeps its digits where a is small
        const small = add("log1p", add("*", literal(0.5), add("*", add("*", m, m), add("exp", near))));
        const tail = add("log1p", add("exp", add("*", literal(-2), a)));
        const large = add("-", add("+", a, tail), literal(Math.LN2));
        return add("?", add("<", a, literal(1)), small, large);
      }
    }
    return add(node.operation, ...args);
  }

  function power(base: number, exponent: number): number {
    if (exponent === 0.5) return add("sqrt", base);
    if (exponent === -0.5) return add("/", literal(1), add("sqrt", base));
    if (!Number.isInteger(exponent) || Math.abs(exponent) > LARGEST_PRODUCT) return add("pow", base, literal(exponent));
    let product = base;
    for (let k = 1; k < Math.abs(exponent); k++) product = add("*", product, base);
    return exponent > 0 ? product : add("/", literal(1), product);
  }

  for (const node of parts(outputs)) places.set(node, written(node));
  return { inputs, code, outputs: outputs.map((node) => places.get(node)!) };
}
