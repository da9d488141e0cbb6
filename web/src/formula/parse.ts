/**
 * Reads a typed formula against the whitelist of samdyn/landscapes/formulas/parse.py, with the grammar of Python's
 * arithmetic. The text is never evaluated as code.
 */
import type { Data } from "../types";
import { FormulaError } from "./errors";

export type Grammar = Data["grammar"];
export type Operator = "+" | "-" | "*" | "/" | "**";

/** A part of a formula, which stands in the text from start to end. */
export type Part = { start: number; end: number; depth: number } & (
  | { kind: "number"; value: number }
  | { kind: "name"; name: string }
  | { kind: "unary"; sign: "+" | "-"; of: Part }
  | { kind: "binary"; operator: Operator; left: Part; right: Part }
  | { kind: "call"; name: string; args: Part[] }
);

interface Token {
  kind: "number" | "name" | "mark" | "end";
  text: string;
  start: number;
  end: number;
}

const NUMBER = /(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][+-]?\d(?:_?\d)*)?/y;
const NAME = /[\p{ID_Start}_][\p{ID_Continue}]*/uy;
const MARK = /\*\*|\/\/|[-+*/^(),]/y;
// Names that Python's grammar keeps for itself, so samdyn cannot have them as coordinates.
const KEYWORDS = new Set(
  ("False None True and as assert async await break class continue def del elif else except finally for from global " +
    "if import in is lambda nonlocal not or pass raise return try while with yield").split(" "),
);
const ALLOWED = "only numbers, coordinates, + - * / **, parentheses and known functions may stand in a formula";

/** Returns the parts of a formula. Throws FormulaError. */
export function parse(text: string, grammar: Grammar): Part {
  if (text.length > grammar.maxLength) {
    const rule = `has ${text.length} characters, more than ${grammar.maxLength}`;
    throw new FormulaError(0, text.length, text, rule, "Write a shorter one");
  }
  return new Parser(text, grammar).whole();
}

class Parser {
  private readonly tokens: Token[];
  private at = 0;
  private nesting = 0;

  constructor(
    private readonly text: string,
    private readonly grammar: Grammar,
  ) {
    this.tokens = this.tokenized();
  }

  whole(): Part {
    if (this.next.kind === "end") throw this.error(0, this.text.length, "is empty", 'Write it like "x**2 - y**2"');
    const result = this.sum();
    const { kind, start, end, text }: Token = this.tokens[this.at]!;
    if (kind === "end") return result;
    if (text === ")") throw this.error(start, end, "closes no parenthesis", "Remove it");
    if (text === ",") throw this.error(start, end, `is not allowed: ${ALLOWED}`, "Write a decimal point as .");
    throw this.error(result.start, end, "has nothing between two parts", "Write * for products");
  }

  private tokenized(): Token[] {
    const tokens: Token[] = [];
    let at = 0;
    while (at < this.text.length) {
      if (/\s/.test(this.text[at]!)) {
        at += 1;
        continue;
      }
      const token = this.token(at);
      tokens.push(token);
      at = token.end;
    }
    tokens.push({ kind: "end", text: "", start: this.text.trimEnd().length, end: this.text.trimEnd().length });
    return tokens;
  }

  private token(start: number): Token {
    for (const [kind, pattern] of [["number", NUMBER], ["name", NAME], ["mark", MARK]] as const) {
      pattern.lastIndex = start;
      const text = pattern.exec(this.text)?.[0];
      if (text !== undefined) return { kind, text, start, end: start + text.length };
    }
    const end = start + String.fromCodePoint(this.text.codePointAt(start)!).length;
    throw this.error(start, end, `is not allowed: ${ALLOWED}`, `Functions: ${this.functions}`);
  }

  private get functions(): string {
    return this.grammar.functions.map((f) => f.name).join(", ");
  }

  private get next(): Token {
    return this.tokens[this.at]!;
  }

  private takes(...marks: string[]): string | null {
    const { kind, text } = this.next;
    if (kind !== "mark" || !marks.includes(text)) return null;
    this.at += 1;
    return text;
  }

  private sum(): Part {
    let left = this.product();
    for (;;) {
      const operator = this.takes("+", "-") as "+" | "-" | null;
      if (!operator) return left;
      left = this.binary(operator, left, this.product());
    }
  }

  private product(): Part {
    let left = this.unary();
    for (;;) {
      const operator = this.takes("*", "/") as "*" | "/" | null;
      if (!operator) return left;
      left = this.binary(operator, left, this.unary());
    }
  }

  private unary(): Part {
    const { start } = this.next;
    const sign = this.takes("+", "-") as "+" | "-" | null;
    if (!sign) return this.power();
    const of = this.nested(() => this.unary());
    return this.limited({ kind: "unary", sign, of, start, end: of.end, depth: of.depth + (sign === "-" ? 1 : 0) });
  }

  private power(): Part {
    const left = this.atom();
    const { kind, text, start, end } = this.next;
    if (kind === "mark" && text === "^") throw this.error(start, end, "is not a power", "Write ** for powers");
    if (kind === "mark" && text === "//") throw this.error(start, end, `is not allowed: ${ALLOWED}`, "Write / to divide");
    if (!this.takes("**")) return left;
    return this.binary("**", left, this.nested(() => this.unary())); // right-associative
  }

  private atom(): Part {
    const token = this.next;
    this.at += 1;
    const { start, end, text } = token;
    if (token.kind === "number") return this.number(token);
    if (token.kind === "name") return this.name(token);
    if (text === "(") {
      const inside = this.nested(() => this.sum());
      if (!this.takes(")")) throw this.unclosed(start);
      // Errors about the part quote its parentheses too.
      return { ...inside, start, end: this.tokens[this.at - 1]!.end };
    }
    if (token.kind === "end") {
      const from = this.tokens[this.at - 2]?.start ?? 0;
      throw this.error(from, this.text.length, "has nothing after it", "Complete the formula");
    }
    throw this.error(start, end, "stands where a number, a coordinate or a function is needed", "Complete the formula");
  }

  private number({ text, start, end }: Token): Part {
    const value = Number(text.replaceAll("_", ""));
    if (/^0[\d_]*[1-9]/.test(text) && !/[.eE]/.test(text))
      throw this.error(start, end, "starts with 0", "Write the number without it");
    const digits = text.toLowerCase().split("e")[0]!;
    if (Math.abs(value) > this.grammar.largestNumber || (value === 0 && /[1-9]/.test(digits)))
      throw this.error(start, end, "is outside the floating-point range", "Use a smaller number, or 0");
    return { kind: "number", value, start, end, depth: 1 };
  }

  private name({ text, start, end }: Token): Part {
    const name = text.normalize("NFKC"); // as Python does: the micro sign is the Greek letter
    if (this.next.text === "(" && this.next.kind === "mark") return this.call(name, start, end);
    if (this.grammar.functions.some((f) => f.name === name))
      throw this.error(start, end, "is a function without an argument", `Write ${name}(x)`);
    if (KEYWORDS.has(name) || name.startsWith("__") || /^_+$/.test(name))
      throw this.error(start, end, "is no name of a coordinate", "Name the coordinates x and y");
    return { kind: "name", name, start, end, depth: 1 };
  }

  private call(name: string, start: number, nameEnd: number): Part {
    const known = this.grammar.functions.find((f) => f.name === name);
    if (!known) {
      if (this.text[nameEnd] !== "(" || name in this.grammar.constants || name.length === 1)
        throw this.error(start, nameEnd, "is followed by a parenthesis, but is no function", "Write * for products");
      throw this.error(start, nameEnd, "is not a known function", `Functions: ${this.functions}`);
    }
    const open = this.next.start;
    this.at += 1;
    const args: Part[] = [];
    while (!(this.next.kind === "mark" && this.next.text === ")")) {
      args.push(this.nested(() => this.sum()));
      if (!this.takes(",")) break;
    }
    if (!this.takes(")")) throw this.unclosed(open);
    const { end } = this.tokens[this.at - 1]!;
    if (args.length === 0 || (args.length > 1 && !known.variadic))
      throw this.error(start, end, `calls ${name} with ${args.length} arguments`, "Give it one");
    const depth = 1 + args.reduce((deepest, { depth }) => Math.max(deepest, depth), 0);
    return this.limited({ kind: "call", name, args, start, end, depth });
  }

  private unclosed(start: number): FormulaError {
    const { kind, start: from, end } = this.next;
    if (kind === "end") return this.error(start, this.text.length, "has a parenthesis that is not closed", "Add )");
    return this.error(start, end, `is not closed before ${this.text.slice(from, end)}`, "Write * for products, or add )");
  }

  /** A sum of a sum, and a product of a product, is one sum or product, as in SymPy. */
  private binary(operator: Operator, left: Part, right: Part): Part {
    const level = LEVELS[operator];
    const inner = (part: Part): number =>
      part.kind === "binary" && level < 3 && LEVELS[part.operator] === level ? part.depth - 1 : part.depth;
    const depth = 1 + Math.max(inner(left), inner(right));
    return this.limited({ kind: "binary", operator, left, right, start: left.start, end: right.end, depth });
  }

  private limited(part: Part): Part {
    if (part.depth > this.grammar.maxDepth) throw this.tooDeep();
    return part;
  }

  private nested(read: () => Part): Part {
    this.nesting += 1;
    if (this.nesting > 2 * this.grammar.maxDepth) throw this.tooDeep(); // as Python's parser, which takes 200
    const result = read();
    this.nesting -= 1;
    return result;
  }

  private tooDeep(): FormulaError {
    return this.error(0, this.text.length, "is nested too deeply", "Write it with fewer parentheses");
  }

  private error(start: number, end: number, rule: string, fix: string): FormulaError {
    return new FormulaError(start, end, this.text.slice(start, end).trim(), rule, fix);
  }
}

/** How tightly operators bind. */
export const LEVELS: Readonly<Record<Operator, number>> = { "+": 1, "-": 1, "*": 2, "/": 2, "**": 3 };
