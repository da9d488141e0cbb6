/**
 * Expressions that share equal parts. Creating one simplifies it lightly, and replaces the commonest expressions that
 * overflow where their value is finite.
 */
import { scalarOperation } from "./numbers";

/**
 * An expression. Operations are those of programs, and
 * "=" (the number `value`), "x" (coordinate number `value`), "power" (to the constant exponent `value`),
 * "softplus" log(1 + exp u), "logistic" 1/(1 + exp(−u)), "logcosh" log cosh u.
 */
export interface Node {
  readonly id: number;
  readonly operation: string;
  readonly args: readonly Node[];
  readonly value: number;
}

export class Graph {
  private readonly nodes = new Map<string, Node>();

  /** Creates an expression as it is. */
  private node(operation: string, args: readonly Node[], value = 0): Node {
    const key = `${operation} ${Object.is(value, -0) ? 0 : value} ${args.map((a) => a.id).join(" ")}`;
    let result = this.nodes.get(key);
    if (!result) this.nodes.set(key, (result = { id: this.nodes.size, operation, args, value }));
    return result;
  }

  number(value: number): Node {
    return this.node("=", [], value);
  }

  coordinate(index: number): Node {
    return this.node("x", [], index);
  }

  /** Returns a function of numbers as a number, or null if an argument is none or the result is not finite. */
  private folded(operation: string, args: readonly Node[]): Node | null {
    if (!args.every((a) => a.operation === "=")) return null;
    const value = scalarOperation(operation, args.map((a) => a.value)); // prettier-ignore
    return Number.isFinite(value) ? this.number(value) : null;
  }

  add(a: Node, b: Node): Node {
    const folded = this.folded("+", [a, b]);
    if (folded) return folded;
    if (isNumber(a, 0)) return b;
    if (isNumber(b, 0)) return a;
    if (a === b) return this.multiply(this.number(2), a);
    if (b.operation === "neg") return this.subtract(a, b.args[0]!);
    if (a.operation === "neg") return this.subtract(b, a.args[0]!);
    return this.node("+", [a, b]);
  }

  subtract(a: Node, b: Node): Node {
    const folded = this.folded("-", [a, b]);
    if (folded) return folded;
    if (isNumber(b, 0)) return a;
    if (isNumber(a, 0)) return this.negative(b);
    if (a === b) return this.number(0);
    if (b.operation === "neg") return this.add(a, b.args[0]!);
    if (isNumber(a, 1) && b.operation === "logistic") return this.apply("logistic", this.negative(b.args[0]!));
    return this.node("-", [a, b]);
  }

  negative(a: Node): Node {
    if (a.operation === "=") return this.number(-a.value);
    if (a.operation === "neg") return a.args[0]!;
    if (a.operation === "-") return this.subtract(a.args[1]!, a.args[0]!);
    return this.node("neg", [a]);
  }

  multiply(a: Node, b: Node): Node {
    const folded = this.folded("*", [a, b]);
    if (folded) return folded;
    if (b.operation === "=") return this.multiply(b, a); // numbers come first
    if (isNumber(a, 0)) return a;
    if (isNumber(a, 1)) return b;
    if (isNumber(a, -1)) return this.negative(b);
    if (a.operation === "neg") return this.negative(this.multiply(a.args[0]!, b));
    if (b.operation === "neg") return this.negative(this.multiply(a, b.args[0]!));
    const [first, second] = b.args;
    if (b.operation === "*" && first!.operation === "=")
      return this.multiply(this.multiply(a, first!), second!);
    if (a.operation === "*" && a.args[0]!.operation === "=")
      return this.multiply(a.args[0]!, this.multiply(a.args[1]!, b));
    if (a === b) return this.power(a, 2);
    return this.node("*", [a, b]);
  }

  divide(a: Node, b: Node): Node {
    const folded = this.folded("/", [a, b]);
    if (folded) return folded;
    if (isNumber(b, 1)) return a;
    if (isNumber(a, 0) && !isNumber(b, 0)) return a;
    if (a.operation === "neg") return this.negative(this.divide(a.args[0]!, b));
    if (b.operation === "neg") return this.negative(this.divide(a, b.args[0]!));
    return this.share(a, b) ?? this.node("/", [a, b]);
  }

  /** Returns exp(a)/(exp(a) + exp(b)), or a number over such a sum, as a logistic function, or null. */
  private share(over: Node, sum: Node): Node | null {
    const exponents = this.exponents(sum);
    if (!exponents) return null;
    const [a, b] = exponents;
    if (over.operation === "exp") {
      if (over.args[0] === a) return this.apply("logistic", this.subtract(a, b));
      if (over.args[0] === b) return this.apply("logistic", this.subtract(b, a));
      return null;
    }
    const [constant, other] = a.operation === "=" ? [a, b] : [b, a];
    if (over.operation !== "=" || constant.operation !== "=") return null;
    return this.multiply(this.number(over.value / Math.exp(constant.value)), this.apply("logistic", this.subtract(constant, other))); // prettier-ignore
  }

  /** Returns [a, b] if an expression is exp(a) + exp(b), where one of the two may be a positive number; else null. */
  private exponents(sum: Node): [Node, Node] | null {
    if (sum.operation !== "+") return null;
    const [a, b] = sum.args.map((term) => this.exponent(term));
    return a && b ? [a, b] : null;
  }

  private exponent(term: Node): Node | null {
    if (term.operation === "exp") return term.args[0]!;
    if (term.operation === "=") return term.value > 0 ? this.number(Math.log(term.value)) : null;
    const [factor, rest] = term.args;
    if (term.operation !== "*" || factor!.operation !== "=" || !(factor!.value > 0) || rest!.operation !== "exp")
      return null;
    return this.add(this.number(Math.log(factor!.value)), rest!.args[0]!);
  }

  /** Returns a power with a constant exponent. */
  power(base: Node, exponent: number): Node {
    const folded = this.folded("pow", [base, this.number(exponent)]);
    if (folded) return folded;
    if (exponent === 0) return this.number(1);
    if (exponent === 1) return base;
    const isWhole = Number.isInteger(exponent);
    if (base.operation === "neg" && isWhole) {
      const positive = this.power(base.args[0]!, exponent);
      return exponent % 2 === 0 ? positive : this.negative(positive);
    }
    if (base.operation === "abs" && exponent % 2 === 0) return this.power(base.args[0]!, exponent);
    if (base.operation === "power") {
      if (isWhole) return this.power(base.args[0]!, base.value * exponent);
      if (base.value % 2 === 0) return this.power(this.apply("abs", base.args[0]!), base.value * exponent);
    }
    return this.node("power", [base], exponent);
  }

  /** Returns a power whose exponent may be any expression. */
  raise(base: Node, exponent: Node): Node {
    return exponent.operation === "=" ? this.power(base, exponent.value) : this.node("pow", [base, exponent]);
  }

  /** Returns the largest or the smallest of some terms. */
  extreme(operation: "max" | "min", terms: readonly Node[]): Node {
    const flat = terms.flatMap((t) => (t.operation === operation ? t.args : [t]));
    const numbers = flat.filter((t) => t.operation === "=").map((t) => t.value);
    const rest = [...new Set(flat.filter((t) => t.operation !== "="))];
    if (numbers.length) rest.push(this.number(operation === "max" ? Math.max(...numbers) : Math.min(...numbers)));
    return rest.length === 1 ? rest[0]! : this.node(operation, rest);
  }

  /** Returns a where a > b, else c. */
  where(a: Node, b: Node, then: Node, otherwise: Node): Node {
    if (then === otherwise) return then;
    if (a.operation === "=" && b.operation === "=") return a.value > b.value ? then : otherwise;
    return this.node("?", [this.node(">", [a, b]), then, otherwise]);
  }

  /** Returns `then` where a condition of another expression holds, else `otherwise`. */
  choose(condition: Node, then: Node, otherwise: Node): Node {
    return then === otherwise ? then : this.node("?", [condition, then, otherwise]);
  }

  /** Returns a function of one argument. */
  apply(name: string, u: Node): Node {
    const folded = this.folded(name, [u]);
    if (folded) return folded;
    const isNegative = u.operation === "neg";
    if (name === "sqrt") return this.power(u, 0.5);
    if (name === "abs" && (isNegative || u.operation === "abs")) return this.apply("abs", u.args[0]!);
    if (name === "abs" && u.operation === "power" && u.value % 2 === 0) return u;
    if (isNegative && (name === "cos" || name === "cosh" || name === "logcosh")) return this.apply(name, u.args[0]!);
    if (isNegative && ODD.has(name)) return this.negative(this.apply(name, u.args[0]!));
    if (name === "exp" && u.operation === "log") return u.args[0]!;
    if (name === "log") return this.logarithm(u);
    return this.node(name, [u]);
  }

  private logarithm(u: Node): Node {
    if (u.operation === "exp") return u.args[0]!;
    if (u.operation === "cosh") return this.apply("logcosh", u.args[0]!);
    if (u.operation === "logistic") return this.negative(this.apply("softplus", this.negative(u.args[0]!)));
    const exponents = this.exponents(u);
    if (!exponents) return this.node("log", [u]);
    const [a, b] = exponents;
    // log(exp a + exp b) = b + log(1 + exp(a − b)), which has no large parts that cancel if b is a number.
    return a.operation === "="
      ? this.add(a, this.apply("softplus", this.subtract(b, a)))
      : this.add(b, this.apply("softplus", this.subtract(a, b)));
  }
}

const ODD: ReadonlySet<string> = new Set(["sin", "tan", "sinh", "tanh", "atan", "sign"]);

/** Returns the parts of expressions, each after its own parts. Long sums are too deep for recursion. */
export function parts(of: readonly Node[]): Node[] {
  const all = new Set<Node>(of);
  for (const node of all) for (const part of node.args) all.add(part);
  return [...all].sort((a, b) => a.id - b.id); // a graph creates a part before what contains it
}

export function isNumber(node: Node, value: number): boolean {
  return node.operation === "=" && node.value === value;
}
