/** Evaluates programs (see types.ts) in double precision. No text ever becomes code here. */
import type { Instruction, Program } from "./types";

/** Operations on scalars by name, each with its number of arguments. Booleans are 1 and 0. */
export const OPERATIONS: Readonly<Record<string, number>> = {
  "+": 2, "-": 2, "*": 2, "/": 2, pow: 2, max: 2, min: 2,
  "<": 2, "<=": 2, ">": 2, ">=": 2, "==": 2, "!=": 2, "&": 2, "|": 2, "~": 1, "?": 3,
  neg: 1, abs: 1, sign: 1, sqrt: 1, exp: 1, expm1: 1, log: 1, log1p: 1,
  sin: 1, cos: 1, tan: 1, sinh: 1, cosh: 1, tanh: 1, atan: 1, cast: 1,
}; // prettier-ignore

/** Operations whose result is a boolean. */
export const TRUTH: ReadonlySet<string> = new Set(["<", "<=", ">", ">=", "==", "!=", "&", "|", "~"]);

/** The functions that a program may call, by name: those of a landscape. */
export type Calls = Readonly<Record<"gradient" | "hessian" | "third", Program>>;

const CALLS: ReadonlySet<string> = new Set(["gradient", "hessian", "third"]);

export function isCall(operation: string): operation is keyof Calls {
  return CALLS.has(operation);
}

/** Refuses a program that is not one: data from a file may be damaged. */
export function check(program: Program): void {
  program.code.forEach(([operation, ...rest], k) => {
    const place = program.inputs.length + k;
    const isNumber = operation === "=";
    const args = isCall(operation) ? rest.slice(1) : rest;
    const expected = isNumber ? 1 : isCall(operation) ? 2 : OPERATIONS[operation];
    if (expected === undefined || !Object.hasOwn(OPERATIONS, operation) && !isNumber && !isCall(operation))
      throw new Error(`operation ${JSON.stringify(operation)}: is not known. Write the page anew with this version`);
    if (args.length !== expected || (isNumber ? !Number.isFinite(rest[0]) : args.some((a) => !(a >= 0 && a < place))))
      throw new Error(`instruction ${JSON.stringify([operation, ...rest])}: has wrong arguments. Write the page anew`);
  });
}

// ---------------------------------------------------------------- linking

/** A program without calls, without repeated and without unused instructions. */
interface Linked extends Program {
  readonly linked: true;
}

const NO_CALLS = {} as Calls;
const links = new WeakMap<Program, WeakMap<Calls, Linked>>();

/**
 * Puts the called programs in the place of calls. Instructions with equal arguments become one, so the components of one
 * call share their work.
 */
export function link(program: Program, calls: Calls = NO_CALLS): Program {
  let byCalls = links.get(program);
  if (byCalls === undefined) links.set(program, (byCalls = new WeakMap()));
  let result = byCalls.get(calls);
  if (result === undefined) byCalls.set(calls, (result = linked(program, calls)));
  return result;
}

function linked(program: Program, calls: Calls): Linked {
  check(program);
  const n = program.inputs.length;
  const code: Instruction[] = [];
  const places = new Map<string, number>();
  const add = (instruction: Instruction): number => {
    const key = instruction.join(" ") + (Object.is(instruction[1], -0) ? "-" : "");
    let place = places.get(key);
    if (place === undefined) {
      places.set(key, (place = n + code.length));
      code.push(instruction);
    }
    return place;
  };
  const results = new Map<string, number[]>(); // of calls
  const run = (part: Program, inputs: number[]): number[] => {
    const at = [...inputs];
    for (const [operation, ...rest] of part.code) {
      if (operation === "=") at.push(add([operation, rest[0]!]));
      else if (isCall(operation)) {
        const args = rest.slice(1).map((a) => at[a]!);
        const key = `${operation} ${args.join(" ")}`;
        let outputs = results.get(key);
        if (outputs === undefined) {
          const called = calls[operation];
          if (called === undefined) throw new Error(`program: calls ${operation}, which is not given`);
          results.set(key, (outputs = run(called, args)));
        }
        at.push(outputs[rest[0]!]!);
      } else at.push(add([operation, ...rest.map((a) => at[a]!)]));
    }
    return part.outputs.map((o) => at[o]!);
  };
  const outputs = run(program, program.inputs.map((_, i) => i));
  return { inputs: program.inputs, linked: true, ...pruned(n, code, outputs) };
}

/** Leaves out the instructions on which no output depends. */
function pruned(n: number, code: Instruction[], outputs: number[]): { code: Instruction[]; outputs: number[] } {
  const used = new Uint8Array(n + code.length);
  outputs.forEach((o) => (used[o] = 1));
  for (let k = code.length - 1; k >= 0; k--) {
    const [operation, ...args] = code[k]!;
    if (used[n + k] && operation !== "=") args.forEach((a) => (used[a] = 1));
  }
  const to = new Int32Array(n + code.length);
  for (let i = 0; i < n; i++) to[i] = i;
  const left: Instruction[] = [];
  code.forEach((instruction, k) => {
    if (!used[n + k]) return;
    const [operation, ...args] = instruction;
    to[n + k] = n + left.length;
    left.push(operation === "=" ? instruction : [operation, ...args.map((a) => to[a]!)]);
  });
  return { code: left, outputs: outputs.map((o) => to[o]!) };
}

// ---------------------------------------------------------------- many points at once

/** Writes an operation's results for the first n lanes. */
type Kernel = (to: Float64Array, n: number, a: Float64Array, b: Float64Array, c: Float64Array) => void;

/** C's power, as torch has it: 1 to any power and anything to the power 0 is 1. */
export function power(a: number, b: number): number {
  return a === 1 || (a === -1 && !Number.isFinite(b) && !Number.isNaN(b)) ? 1 : Math.pow(a, b);
}

// One loop per operation, written out: a loop over a function that is passed to it is several times slower.
const KERNELS: Readonly<Record<string, Kernel>> = {
  "+": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! + b[i]!; },
  "-": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! - b[i]!; },
  "*": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! * b[i]!; },
  "/": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! / b[i]!; },
  pow: (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = power(a[i]!, b[i]!); },
  max: (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = Math.max(a[i]!, b[i]!); },
  min: (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = Math.min(a[i]!, b[i]!); },
  "<": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! < b[i]! ? 1 : 0; },
  "<=": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! <= b[i]! ? 1 : 0; },
  ">": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! > b[i]! ? 1 : 0; },
  ">=": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! >= b[i]! ? 1 : 0; },
  "==": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! === b[i]! ? 1 : 0; },
  "!=": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! !== b[i]! ? 1 : 0; },
  "&": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! && b[i]! ? 1 : 0; },
  "|": (to, n, a, b) => { for (let i = 0; i < n; i++) to[i] = a[i]! || b[i]! ? 1 : 0; },
  "~": (to, n, a) => { for (let i = 0; i < n; i++) to[i] = a[i]! ? 0 : 1; },
  "?": (to, n, a, b, c) => { for (let i = 0; i < n; i++) to[i] = a[i]! ? b[i]! : c[i]!; },
  neg: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = -a[i]!; },
  abs: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.abs(a[i]!); },
  sign: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = a[i]! > 0 ? 1 : a[i]! < 0 ? -1 : 0; },
  sqrt: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.sqrt(a[i]!); },
  exp: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.exp(a[i]!); },
  expm1: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.expm1(a[i]!); },
  log: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.log(a[i]!); },
  log1p: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.log1p(a[i]!); },
  sin: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.sin(a[i]!); },
  cos: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.cos(a[i]!); },
  tan: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.tan(a[i]!); },
  sinh: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.sinh(a[i]!); },
  cosh: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.cosh(a[i]!); },
  tanh: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.tanh(a[i]!); },
  atan: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = Math.atan(a[i]!); },
  cast: (to, n, a) => { for (let i = 0; i < n; i++) to[i] = a[i]!; },
}; // prettier-ignore

const LANES = 512; // points of a block: a value of a block fills half a page, so all that is at work stays in the cache

/** Where the values of a linked program lie: values whose time of use does not overlap share a buffer. */
interface Plan {
  steps: { kernel: Kernel; to: number; args: readonly [number, number, number] }[];
  /** Buffers, of which the constants are filled; the first are those of the inputs, which each block sets. */
  buffers: Float64Array[];
  outputs: number[];
}

const plans = new WeakMap<Program, Plan>();

function plan(program: Program): Plan {
  let result = plans.get(program);
  if (result === undefined) plans.set(program, (result = planned(program)));
  return result;
}

function planned({ inputs, code, outputs }: Program): Plan {
  const n = inputs.length;
  const lastUse = new Int32Array(n + code.length).fill(-1);
  code.forEach(([operation, ...args], k) => operation !== "=" && args.forEach((a) => (lastUse[a] = k)));
  outputs.forEach((o) => (lastUse[o] = code.length));
  const buffers: Float64Array[] = inputs.map(() => new Float64Array(0));
  const at = new Int32Array(n + code.length);
  for (let i = 0; i < n; i++) at[i] = i;
  const free: number[] = [];
  const isShared = (place: number): boolean => place >= n && code[place - n]![0] !== "=";
  const steps: Plan["steps"] = [];
  code.forEach(([operation, ...args], k) => {
    const place = n + k;
    if (operation === "=") {
      at[place] = buffers.push(new Float64Array(LANES).fill(args[0]!)) - 1;
      return;
    }
    // Kernels read a lane before they write it, so a result may take the place of an argument.
    for (const a of new Set(args)) if (lastUse[a] === k && isShared(a)) free.push(at[a]!);
    const to = free.pop() ?? buffers.push(new Float64Array(LANES)) - 1;
    at[place] = to;
    if (lastUse[place]! < 0) free.push(to);
    const [a, b = a, c = a] = args.map((arg) => at[arg]!);
    steps.push({ kernel: KERNELS[operation]!, to, args: [a!, b!, c!] });
  });
  return { steps, buffers, outputs: outputs.map((o) => at[o]!) };
}

/**
 * Returns each output at many points.
 *
 * @param inputs one array per input of the program, or a number that is the same at every point
 * @param calls the programs that the program calls
 */
export function evaluate(program: Program, inputs: readonly (Float64Array | number)[], calls?: Calls): Float64Array[] {
  const { steps, buffers, outputs } = plan(link(program, calls));
  const lengths = inputs.filter((values) => typeof values !== "number").map((values) => values.length);
  const count = lengths.length ? Math.min(...lengths) : 1;
  const results = outputs.map(() => new Float64Array(count));
  inputs.forEach((value, i) => {
    if (typeof value === "number") buffers[i] = new Float64Array(LANES).fill(value);
  });
  for (let from = 0; from < count; from += LANES) {
    const n = Math.min(LANES, count - from);
    inputs.forEach((values, i) => {
      if (typeof values !== "number") buffers[i] = values.subarray(from, from + n);
    });
    for (const { kernel, to, args } of steps)
      kernel(buffers[to]!, n, buffers[args[0]]!, buffers[args[1]]!, buffers[args[2]]!);
    outputs.forEach((o, j) => results[j]!.set(buffers[o]!.subarray(0, n), from));
  }
  return results;
}

// ---------------------------------------------------------------- one point

/** Computes the outputs at one point. The array returned is the same at every call. */
export type Scalar = (inputs: ArrayLike<number>) => Float64Array;

const NUMBERS = new Map(Object.keys(OPERATIONS).map((name, k) => [name, k]));
const scalars = new WeakMap<Program, Scalar>();

/** Returns the function of one point that a program describes. */
export function scalar(program: Program, calls?: Calls): Scalar {
  const whole = link(program, calls);
  let result = scalars.get(whole);
  if (result === undefined) scalars.set(whole, (result = ofOnePoint(whole)));
  return result;
}

function ofOnePoint({ inputs, code, outputs }: Program): Scalar {
  const n = inputs.length;
  const values = new Float64Array(n + code.length);
  const lines: number[] = []; // operation, result, three arguments
  code.forEach(([operation, ...args], k) => {
    if (operation === "=") values[n + k] = args[0]!;
    else lines.push(NUMBERS.get(operation)!, n + k, args[0]!, args[1] ?? args[0]!, args[2] ?? args[0]!);
  });
  const table = Int32Array.from(lines);
  const at = Int32Array.from(outputs);
  const results = new Float64Array(outputs.length);
  return (point) => {
    for (let i = 0; i < n; i++) values[i] = point[i]!;
    for (let k = 0; k < table.length; k += 5) {
      const to = table[k + 1]!;
      const a = values[table[k + 2]!]!;
      const b = values[table[k + 3]!]!;
      // The cases are the places in OPERATIONS. A function for each operation would take twice as long.
      switch (table[k]) {
        case 0: values[to] = a + b; break;
        case 1: values[to] = a - b; break;
        case 2: values[to] = a * b; break;
        case 3: values[to] = a / b; break;
        case 4: values[to] = power(a, b); break;
        case 5: values[to] = Math.max(a, b); break;
        case 6: values[to] = Math.min(a, b); break;
        case 7: values[to] = a < b ? 1 : 0; break;
        case 8: values[to] = a <= b ? 1 : 0; break;
        case 9: values[to] = a > b ? 1 : 0; break;
        case 10: values[to] = a >= b ? 1 : 0; break;
        case 11: values[to] = a === b ? 1 : 0; break;
        case 12: values[to] = a !== b ? 1 : 0; break;
        case 13: values[to] = a && b ? 1 : 0; break;
        case 14: values[to] = a || b ? 1 : 0; break;
        case 15: values[to] = a ? 0 : 1; break;
        case 16: values[to] = a ? b : values[table[k + 4]!]!; break;
        case 17: values[to] = -a; break;
        case 18: values[to] = Math.abs(a); break;
        case 19: values[to] = a > 0 ? 1 : a < 0 ? -1 : 0; break;
        case 20: values[to] = Math.sqrt(a); break;
        case 21: values[to] = Math.exp(a); break;
        case 22: values[to] = Math.expm1(a); break;
        case 23: values[to] = Math.log(a); break;
        case 24: values[to] = Math.log1p(a); break;
        case 25: values[to] = Math.sin(a); break;
        case 26: values[to] = Math.cos(a); break;
        case 27: values[to] = Math.tan(a); break;
        case 28: values[to] = Math.sinh(a); break;
        case 29: values[to] = Math.cosh(a); break;
        case 30: values[to] = Math.tanh(a); break;
        case 31: values[to] = Math.atan(a); break;
        default: values[to] = a;
      }
    }
    for (let j = 0; j < at.length; j++) results[j] = values[at[j]!]!;
    return results;
  };
} // prettier-ignore
