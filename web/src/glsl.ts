/**
 * Writes programs as GLSL ES 3.00, in single precision. The text has no part of a name or of a formula: values are
 * n0, n1, …, literals are printed numbers, and operations come from a list.
 */
import { check, isCall, type Calls, TRUTH } from "./program";
import type { Program } from "./types";

/** Functions that GLSL lacks, or whose results it leaves open. Each of its programs starts with them. */
export const PRELUDE = `
float op_nan() { return uintBitsToFloat(0x7fc00000u); }
float op_inf() { return uintBitsToFloat(0x7f800000u); }
float op_max(float a, float b) { return isnan(a) ? a : isnan(b) ? b : a > b ? a : b; }
float op_min(float a, float b) { return isnan(a) ? a : isnan(b) ? b : a < b ? a : b; }
float op_sign(float a) { return a > 0.0 ? 1.0 : a < 0.0 ? -1.0 : 0.0; }
float op_sqrt(float a) { return a < 0.0 ? op_nan() : sqrt(a); }
float op_log(float a) { return a < 0.0 ? op_nan() : a == 0.0 ? -op_inf() : log(a); }
float op_expm1(float a) {
  float series = a * (1.0 + a / 2.0 * (1.0 + a / 3.0 * (1.0 + a / 4.0 * (1.0 + a / 5.0 * (1.0 + a / 6.0 * (1.0 + a / 7.0))))));
  return abs(a) < 0.5 ? series : exp(a) - 1.0;
}
float op_log1p(float a) {
  float z = a / (2.0 + a);
  float s = z * z;
  float series = 2.0 * z * (1.0 + s * (1.0 / 3.0 + s * (0.2 + s * (1.0 / 7.0 + s / 9.0))));
  return abs(a) < 0.25 ? series : op_log(1.0 + a);
}
// Sine and cosine to rounding: drivers may take ones with an error of 1e-4. a = kπ/2 + r, π/2 in three parts.
vec2 op_turn(float a) {
  float k = floor(a * 0.636619772 + 0.5);
  float r = ((a - k * 1.5703125) - k * 4.83751296997e-4) - k * 7.54978995489e-8;
  float s = r * r;
  float sine = r + r * s * (-1.0 / 6.0 + s * (1.0 / 120.0 + s * (-1.0 / 5040.0 + s / 362880.0)));
  float cosine = 1.0 - 0.5 * s + s * s * (1.0 / 24.0 + s * (-1.0 / 720.0 + s * (1.0 / 40320.0 - s / 3628800.0)));
  float quarter = k - 4.0 * floor(0.25 * k);
  vec2 turned = mod(quarter, 2.0) == 1.0 ? vec2(cosine, sine) : vec2(sine, cosine);
  return vec2(quarter >= 2.0 ? -turned.x : turned.x, quarter == 1.0 || quarter == 2.0 ? -turned.y : turned.y);
}
float op_sin(float a) { return abs(a) < 1e4 ? op_turn(a).x : sin(a); }
float op_cos(float a) { return abs(a) < 1e4 ? op_turn(a).y : cos(a); }
float op_tan(float a) { return op_sin(a) / op_cos(a); }
float op_sinh(float a) {
  float s = a * a;
  float series = a * (1.0 + s / 6.0 * (1.0 + s / 20.0 * (1.0 + s / 42.0)));
  float e = exp(0.5 * abs(a));
  return abs(a) < 0.5 ? series : op_sign(a) * (0.5 * e * e - 0.5 / e / e);
}
float op_cosh(float a) {
  float e = exp(0.5 * abs(a));
  return 0.5 * e * e + 0.5 / e / e;
}
float op_tanh(float a) {
  float t = op_expm1(2.0 * min(abs(a), 20.0));
  return isnan(a) ? a : op_sign(a) * t / (t + 2.0);
}
float op_pow(float a, float b) {
  if (b == 0.0 || a == 1.0) return 1.0;
  if (isnan(a) || isnan(b)) return op_nan();
  if (a > 0.0) return pow(a, b);
  bool is_odd = floor(b * 0.5) * 2.0 != b;
  if (a == 0.0) return b > 0.0 ? 0.0 : op_inf();
  if (floor(b) != b) return op_nan();
  return is_odd ? -pow(-a, b) : pow(-a, b);
}
`;

const INFIX: ReadonlySet<string> = new Set(["+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!="]);
const LOGICAL: Readonly<Record<string, string>> = { "&": "&&", "|": "||" };
const OWN: ReadonlySet<string> = new Set([
  "max", "min", "sign", "sqrt", "log", "expm1", "log1p", "sin", "cos", "tan", "sinh", "cosh", "tanh", "pow",
]); // prettier-ignore
const BUILT_IN: ReadonlySet<string> = new Set(["abs", "exp", "atan"]);
const VECTORS = ["", "float", "vec2", "vec3", "vec4"];
const COMPONENTS = "xyzw";
const LARGEST = 3.4028234663852886e38; // the largest number in single precision

/** Returns a number as a literal of single precision. */
export function literal(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`literal ${value}: must be a finite number`);
  const single = Math.fround(Math.max(-LARGEST, Math.min(LARGEST, value)));
  const digits = Math.abs(single).toString();
  const text = /[.e]/.test(digits) ? digits : `${digits}.0`;
  return single < 0 || Object.is(single, -0) ? `(-${text})` : text;
}

/**
 * Returns a program as a function. Its first two inputs are `vec2 w`, the others are floats in their order; one to four
 * outputs are a float or a vector.
 *
 * @param name the name of the function, which is a word of this page and never of a user
 */
export function glslFunction(name: string, program: Program): string {
  check(program);
  if (!/^[a-z][a-zA-Z0-9]*$/.test(name)) throw new Error(`name ${JSON.stringify(name)}: must be a plain word`);
  const { inputs, code, outputs } = program;
  const type = VECTORS[outputs.length];
  if (!type) throw new Error(`program: has ${outputs.length} outputs; a function gives 1 to 4`);
  const isTruth: boolean[] = inputs.map(() => false);
  const number = (i: number): string => (isTruth[i] ? `float(n${i})` : `n${i}`);
  const truth = (i: number): string => (isTruth[i] ? `n${i}` : `(n${i} != 0.0)`);
  const lines: string[] = inputs.slice(0, 2).map((_, i) => `float n${i} = w.${COMPONENTS[i]};`);
  const calls = new Map<string, string>(); // the variable of each call, by function and arguments

  code.forEach((instruction, k) => {
    const [operation, ...args] = instruction;
    const place = inputs.length + k;
    let isBool = TRUTH.has(operation);
    let value: string;
    if (operation === "=") value = literal(args[0]!);
    else if (isCall(operation)) {
      const [component, a, b] = args as [number, number, number];
      const key = `${operation}(vec2(${number(a)}, ${number(b)}))`;
      let variable = calls.get(key);
      if (variable === undefined) {
        calls.set(key, (variable = `c${calls.size}`));
        lines.push(`${CALL_TYPES[operation]} ${variable} = ${key};`);
      }
      value = `${variable}.${COMPONENTS[component]}`;
    } else if (operation === "?") {
      const [c, a, b] = args as [number, number, number];
      isBool = isTruth[a]! && isTruth[b]!;
      value = `${truth(c)} ? ${isBool ? truth(a) : number(a)} : ${isBool ? truth(b) : number(b)}`;
    } else if (operation === "cast") {
      isBool = false;
      value = number(args[0]!);
    } else if (operation === "neg") value = `-${number(args[0]!)}`;
    else if (operation === "~") value = `!${truth(args[0]!)}`;
    else if (LOGICAL[operation]) value = `${truth(args[0]!)} ${LOGICAL[operation]} ${truth(args[1]!)}`;
    else if (INFIX.has(operation)) value = `${number(args[0]!)} ${operation} ${number(args[1]!)}`;
    else if (OWN.has(operation) || BUILT_IN.has(operation))
      value = `${OWN.has(operation) ? "op_" : ""}${operation}(${args.map(number).join(", ")})`;
    else throw new Error(`operation ${JSON.stringify(operation)}: cannot be written in GLSL`);
    isTruth.push(isBool);
    lines.push(`${isBool ? "bool" : "float"} n${place} = ${value};`);
  });

  const further = inputs.slice(2).map((_, i) => `, float n${i + 2}`).join(""); // prettier-ignore
  const results = outputs.map(number).join(", ");
  lines.push(`return ${outputs.length === 1 ? results : `${type}(${results})`};`);
  return `${type} ${name}(vec2 w${further}) {\n${lines.map((line) => `  ${line}`).join("\n")}\n}\n`;
}

const CALL_TYPES: Readonly<Record<keyof Calls, string>> = { gradient: "vec2", hessian: "vec3", third: "vec4" };

/** Returns the landscape's `gradient`, `hessian` and `third` that functions of these programs call. */
export function glslCalls(calls: Calls, ...programs: Program[]): string {
  const names = new Set(programs.flatMap((program) => program.code.map(([operation]) => operation)));
  return (["gradient", "hessian", "third"] as const)
    .filter((name) => names.has(name))
    .map((name) => glslFunction(name, calls[name]))
    .join("\n");
}
