/** The model that settings describe, and its programs as functions. */
import { evaluate, scalar } from "./program";
import type { Data, Landscape, MethodData, Model, Program, Settings, Variant } from "./types";

/** Returns the model of some settings on a landscape. */
export function model(settings: Settings, data: Data, on: Landscape): Model {
  const method = named("method", settings.method, data.methods);
  return {
    landscape: on,
    method,
    variant: variantOf(method, settings.ascentSteps, settings.average),
    step: named("step", settings.step, data.steps),
    parameters: Object.fromEntries(method.parameters.map((p) => [p.name, settings.parameters[p.name] ?? p.value])),
    lr: settings.lr,
    momentum: settings.step === "plain" ? 0 : settings.momentum,
    deviation: settings.noise ? settings.deviation / Math.sqrt(settings.batchSize) : 0,
    coupling: settings.coupling,
    seed: settings.seed,
  };
}

/** Returns the variant with these ascent steps; the only one of a method without steps. */
export function variantOf(method: MethodData, ascentSteps: number, average: boolean): Variant {
  const same = method.variants.filter((v) => v.ascentSteps === ascentSteps);
  return same.find((v) => v.average === average) ?? same[0] ?? method.variants[0]!;
}

function named<T extends { name: string }>(kind: string, name: string, all: readonly T[]): T {
  const result = all.find((one) => one.name === name);
  if (result) return result;
  const known = all.map((one) => one.name).join(", ");
  throw new Error(`${kind} ${JSON.stringify(name)}: is not known. Known: ${known}`);
}

/** Computes a program of the model's method at a point. The array returned is the same at every call. */
export type AtPoint = (x: number, y: number, noise?: ArrayLike<number>) => Float64Array;

/** Returns the values of a program's inputs after the two coordinates; null for an input of noise. */
function furtherInputs(program: Program, parameters: Model["parameters"]): (number | null)[] {
  return program.inputs.slice(2).map((name) => (/^noise\d+$/.test(name) ? null : parameters[name]!));
}

/** Returns a program of the model's method as a function of a point and of the noise in the gradients. */
export function atPoint(program: Program, on: Model, parameters: Model["parameters"] = on.parameters): AtPoint {
  const compute = scalar(program, on.landscape.programs);
  const further = furtherInputs(program, parameters);
  const inputs = Float64Array.from([0, 0, ...further.map((value) => value ?? 0)]);
  const places = further.flatMap((value, i) => (value === null ? [i + 2] : []));
  return (x, y, noise) => {
    inputs[0] = x;
    inputs[1] = y;
    if (noise) for (let i = 0; i < places.length; i++) inputs[places[i]!] = noise[i]!;
    return compute(inputs);
  };
}

/** Returns the number of normal numbers that one step of the model takes. */
export function noiseInputs(on: Model): number {
  return on.variant.noisy[on.coupling].inputs.filter((name) => /^noise\d+$/.test(name)).length;
}

/** Returns a program of the model's method at many points, without noise. */
export function atPoints(program: Program, on: Model, x: Float64Array, y: Float64Array): Float64Array[] {
  const further = furtherInputs(program, on.parameters).map((value) => value ?? 0);
  return evaluate(program, [x, y, ...further], on.landscape.programs);
}
