/** Builds the expression of a parsed formula, and refuses parts without a finite real value. */
import { FormulaError } from "./errors";
import type { Graph, Node } from "./graph";
import type { Grammar, Part } from "./parse";

export interface Built {
  value: Node;
  coordinates: readonly [string, string];
}

export function build(whole: Part, text: string, grammar: Grammar, graph: Graph): Built {
  const coordinates = coordinatesOf(whole, text, grammar);

  function error(part: Part, rule: string, fix: string): FormulaError {
    return new FormulaError(part.start, part.end, text.slice(part.start, part.end).trim(), rule, fix);
  }

  function read(part: Part): Node {
    const result = checked(part, expression(part));
    // An exponent may have grown: a power of a power is one power.
    if (result.operation === "power" && Math.abs(result.value) > grammar.largestExponent) {
      const rule = `has in all the exponent ${result.value}, larger than ${grammar.largestExponent}`;
      throw error(part, rule, "Use exp(...) or a smaller power");
    }
    return result;
  }

  function expression(part: Part): Node {
    switch (part.kind) {
      case "number":
        return graph.number(part.value);
      case "name": {
        const constant = Object.hasOwn(grammar.constants, part.name) ? grammar.constants[part.name] : undefined;
        return constant === undefined ? graph.coordinate(coordinates.indexOf(part.name)) : graph.number(constant);
      }
      case "unary":
        return part.sign === "-" ? graph.negative(read(part.of)) : read(part.of);
      case "call":
        return call(part.name, part.args.map(read));
      case "binary":
        return binary(part, read(part.left), read(part.right));
    }
  }

  function call(name: string, args: Node[]): Node {
    if (name === "relu") return graph.extreme("max", [graph.number(0), args[0]!]);
    if (name === "Max" || name === "Min") return graph.extreme(name === "Max" ? "max" : "min", args);
    return graph.apply(name, args[0]!);
  }

  function binary(part: Extract<Part, { kind: "binary" }>, left: Node, right: Node): Node {
    switch (part.operator) {
      case "+":
        return graph.add(left, right);
      case "-":
        return graph.subtract(left, right);
      case "*":
        return graph.multiply(left, right);
      case "/":
        return graph.divide(left, right);
      case "**":
        if (right.operation === "=" && Math.abs(right.value) > grammar.largestExponent) {
          const rule = `has the exponent ${right.value}, larger than ${grammar.largestExponent}`;
          throw error(part, rule, "Use exp(...) or a smaller power");
        }
        if (right.operation !== "=" && left.operation === "=" && left.value <= 0)
          throw error(part, "has no real value at every exponent", "Use a base > 0");
        return graph.raise(left, right);
    }
  }

  /** Refuses a constant part that is too large or that could not be computed. */
  function checked(part: Part, node: Node): Node {
    const isConstant = node.args.length > 0 && node.args.every((a) => a.operation === "=");
    if (isConstant && ["+", "-", "*"].includes(node.operation))
      throw error(part, "is outside the floating-point range", "Use smaller numbers");
    if (isConstant && node.operation === "exp")
      throw error(part, "is outside the floating-point range", "Use smaller numbers");
    if (isConstant || (node.operation === "/" && node.args[1]!.operation === "=" && node.args[1]!.value === 0))
      throw error(part, "has no finite real value", "Check divisions by 0, roots and logarithms");
    if (node.operation === "=" && Math.abs(node.value) > grammar.largestNumber)
      throw error(part, "is outside the floating-point range", "Use smaller numbers");
    return node;
  }

  return { value: read(whole), coordinates };
}

/** Returns x and y, or the two names that stand in a formula. */
function coordinatesOf(whole: Part, text: string, grammar: Grammar): readonly [string, string] {
  const names = new Map<string, Part>(); // each with the first place where it stands
  const stack = [whole];
  while (stack.length) {
    const part = stack.pop()!;
    if (part.kind === "name" && !Object.hasOwn(grammar.constants, part.name)) {
      if (!names.has(part.name) || names.get(part.name)!.start > part.start) names.set(part.name, part);
    } else if (part.kind === "unary") stack.push(part.of);
    else if (part.kind === "binary") stack.push(part.left, part.right);
    else if (part.kind === "call") stack.push(...part.args);
  }
  const others = [...names.keys()].filter((name) => name !== "x" && name !== "y").sort();
  if (others.length === 0) return ["x", "y"];
  const both = [...names.keys()].sort();
  if (both.length === 2) return both as [string, string];
  const { start, end } = names.get(others[0]!)!;
  const known = `known are the coordinates x, y, ${Object.keys(grammar.constants).join(", ")} and the functions ${grammar.functions.map((f) => f.name).join(", ")}`; // prettier-ignore
  const fix = both.length === 1 ? "Write the formula in x and y" : "Use two coordinates";
  throw new FormulaError(start, end, text.slice(start, end), `is an unknown symbol; ${known}`, fix);
}
