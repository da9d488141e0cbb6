/** Writes a parsed formula as LaTeX, in the order in which the user typed it. */
import { LEVELS, type Part } from "./parse";

const GREEK = new Set(
  ("alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi " +
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega").split(" "),
);
const OPERATORS = new Set(["sin", "cos", "tan", "sinh", "cosh", "tanh", "log"]);
const NAMES: Readonly<Record<string, string>> = { atan: "\\arctan", Max: "\\max", Min: "\\min" };
const ATOM = 5; // binds most tightly
const PREFIX = 2.5; // a unary minus: tighter than products, looser than powers

/** Returns the LaTeX of a name: letters of Greek, and an index after _ or a letter. */
function nameLatex(name: string): string {
  const [, letters, index] = /^([^_\d]+)_*(\w*)$/u.exec(name) ?? [];
  const word = (text: string): string =>
    GREEK.has(text) ? `\\${text}` : [...text].length === 1 ? text : `\\mathrm{${text.replaceAll("_", "\\_")}}`;
  if (letters === undefined) return word(name);
  return index ? `${word(letters)}_{${/^\d+$/.test(index) ? index : word(index)}}` : word(letters);
}

/** Returns the LaTeX of a formula, in math mode. */
export function latex(part: Part): string {
  return written(part)[0];
}

/** Returns LaTeX, and how tightly its outermost operation binds. */
function written(part: Part): [text: string, level: number] {
  switch (part.kind) {
    case "number":
      return number(part.value);
    case "name":
      return [nameLatex(part.name), ATOM];
    case "unary":
      return part.sign === "+" ? written(part.of) : [`-${within(part.of, 2)}`, PREFIX];
    case "call":
      return call(part.name, part.args);
    case "binary":
      return binary(part);
  }
}

/** Returns LaTeX with parentheses if the part binds less tightly than the level. */
function within(part: Part, level: number): string {
  const [text, own] = written(part);
  return own < level ? `\\left(${text}\\right)` : text;
}

function number(value: number): [string, number] {
  const [digits, exponent] = String(value).split("e");
  if (exponent === undefined) return [digits!, ATOM];
  const ten = `10^{${Number(exponent)}}`;
  return digits === "1" ? [ten, 3] : [`${digits} \\cdot ${ten}`, 2];
}

function call(name: string, args: Part[]): [string, number] {
  const inside = args.map(latex).join(", ");
  if (name === "sqrt") return [`\\sqrt{${inside}}`, ATOM];
  if (name === "exp") return [`e^{${inside}}`, 3];
  if (name === "abs") return [`\\left|${inside}\\right|`, ATOM];
  return [`${operator(name)}\\left(${inside}\\right)`, ATOM];
}

function operator(name: string): string {
  return NAMES[name] ?? (OPERATORS.has(name) ? `\\${name}` : `\\operatorname{${name}}`);
}

function binary({ operator: sign, left, right }: Extract<Part, { kind: "binary" }>): [string, number] {
  if (sign === "**") {
    const exponent = latex(right);
    if (left.kind === "call" && left.args.length === 1 && !["sqrt", "exp", "abs"].includes(left.name))
      return [`${operator(left.name)}^{${exponent}}\\left(${latex(left.args[0]!)}\\right)`, ATOM];
    return [`${within(left, 4)}^{${exponent}}`, 3];
  }
  if (sign === "/") return [`\\frac{${latex(left)}}{${latex(right)}}`, 3];
  const level = LEVELS[sign];
  // The right operand needs parentheses if it starts with a sign or if the order of operations counts.
  const a = within(left, level);
  const isSigned = right.kind === "unary" && right.sign === "-";
  const b = within(right, isSigned ? ATOM : sign === "-" ? level + 0.5 : level);
  if (sign !== "*") return [`${a} ${sign} ${b}`, level];
  return [`${a} ${/^\d/.test(b) ? "\\cdot " : ""}${b}`, level];
}
