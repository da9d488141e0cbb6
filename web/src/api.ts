/** `window.samdyn`: what the page knows and computes, for tests and for reviewers who want numbers. */
import { evaluate, landscape } from "./core";
import { Transform } from "./draw/transform";
import { evaluateOnGpu } from "./engine/webgl";
import type { Explorer, FrameTime } from "./ui/explorer";
import type { CriticalPoint, Data, Landscape, LandscapeData, MethodData, Point, Program, Run, Settings, Variant, Verdict } from "./types";

export interface Api {
  readonly data: Data;
  settings(): Settings;
  set(changes: Partial<Settings>): void;
  points(): readonly CriticalPoint[];
  verdicts(): readonly Verdict[];
  run(): Run | null;
  pinned(): Run | null;
  shares(): number[];
  engine(): { kind: string; count: number; steps: number; milliseconds: number } | null;
  states(): number[];
  frames(): readonly FrameTime[];
  restart(): void;
  /** Where a point of the plane is on the page, in CSS pixels. */
  pixel(w: Point): [number, number];
  /**
   * Values of a program at points, in double precision: of a landscape ("value", "gradient", "hessian", "third"; no method),
   * or of a variant of a method ("field", "field32", "perturbed", "jacobian", "noisy.shared", "noisy32.clean", …).
   * The landscape "" is the one that is shown. A point has the coordinates, and further numbers for noise0, noise1, … Parameters are those of the settings.
   */
  evaluate(landscape: string, method: string | null, variant: number, program: string, points: readonly (readonly number[])[]): number[][];
  /** Values of a variant's field32 as the GPU computes them. */
  evaluateOnGpu(landscape: string, method: string, variant: number, points: readonly Point[]): number[][];
}

declare global {
  interface Window {
    samdyn: Api;
  }
}

export function createApi(explorer: Explorer): Api {
  const { data } = explorer;
  const landscapeOf = (name: string): Landscape =>
    name === "" ? explorer.current().model.landscape : landscape(known("landscape", name, data.landscapes));
  const methodOf = (name: string): MethodData => known("method", name, data.methods);
  const programOf = (landscape: LandscapeData, method: string | null, variant: number, path: string): Program => {
    const root = method === null ? landscape.programs : variantOf(methodOf(method), variant);
    const program = path.split(".").reduce<unknown>((node, key) => (Object.hasOwn(Object(node), key) ? (node as never)[key] : undefined), root);
    if (!program || !Object.hasOwn(Object(program), "code")) throw new Error(`program ${JSON.stringify(path)}: is not known`);
    return program as Program;
  };
  const parameter = (method: string | null, name: string): number => {
    const value = explorer.settings.parameters[name];
    if (method === null || value === undefined) throw new Error(`input ${JSON.stringify(name)}: has no value`);
    return value;
  };
  return {
    data,
    settings: () => structuredClone(explorer.settings),
    set: (changes) => explorer.set(changes),
    points: () => explorer.current().points,
    verdicts: () => explorer.current().verdicts,
    run: () => explorer.current().run,
    pinned: () => explorer.current().pinned,
    shares: () => explorer.engine?.shares() ?? [],
    engine() {
      const { engine } = explorer;
      return engine && { kind: engine.kind, count: engine.count, steps: engine.steps, milliseconds: engine.lastMilliseconds };
    },
    states: () => Array.from(explorer.engine?.states() ?? []),
    frames: () => explorer.frames,
    restart: () => explorer.restart(),
    pixel([x, y]) {
      const { left, top, width, height } = document.querySelector(".picture")!.getBoundingClientRect();
      const to = new Transform(explorer.view, width, height);
      return [left + to.x(x), top + to.y(y)];
    },
    evaluate(name, method, variant, path, points) {
      const on = landscapeOf(name);
      const program = programOf(on, method, variant, path);
      const isNoise = (name: string) => /^noise\d+$/.test(name);
      const columns = program.inputs.slice(2).filter(isNoise);
      const inputs = program.inputs.map((name, i) => {
        if (i >= 2 && !isNoise(name)) return parameter(method, name);
        const column = i < 2 ? i : 2 + columns.indexOf(name);
        return Float64Array.from(points, (point) => point[column] ?? 0);
      });
      const results = evaluate(program, inputs, on.programs);
      return points.map((_, i) => results.map((values) => values[i]!));
    },
    evaluateOnGpu(name, method, variant, points) {
      const { parameters } = methodOf(method);
      const values = parameters.map(({ name }) => ({ name, value: parameter(method, name) }));
      const results = evaluateOnGpu(landscapeOf(name), variantOf(methodOf(method), variant), values, Float32Array.from(points.flat()));
      return points.map((_, i) => [results[2 * i]!, results[2 * i + 1]!]);
    },
  };
}

function variantOf(method: MethodData, variant: number): Variant {
  const result = method.variants[variant];
  if (!result) throw new Error(`variant ${variant}: ${method.name} has ${method.variants.length}, counted from 0`);
  return result;
}

function known<T extends { name: string }>(kind: string, name: string, all: readonly T[]): T {
  const result = all.find((one) => one.name === name);
  if (!result) throw new Error(`${kind} ${JSON.stringify(name)}: is not known. Known: ${all.map((one) => one.name).join(", ")}`);
  return result;
}
