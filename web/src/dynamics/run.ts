/** A run of the iterates from one start, and the flow beside it. */
import { randomLcg, randomNormal } from "d3-random";
import { atPoint, noiseInputs } from "../model";
import type { Model, Point, Run } from "../types";
import { flowOf } from "./flow";
import { stepOf } from "./steps";

const FAR = 10; // in units of the landscape's box; a run that ends further from it has left

/** Returns the run of some steps from a start. Without noise it is a function of the model alone. */
export function run(on: Model, start: Point, steps: number): Run {
  const { x, y } = iterates(on, start, steps);
  const [px, py, cosine] = [new Float64Array(x.length), new Float64Array(x.length), new Float64Array(x.length)];
  const loss = on.landscape.values(x, y);
  const perturbed = atPoint(on.variant.perturbed, on);
  let n = 0; // iterates before something overflows
  for (; n < x.length; n++) {
    const [u, v] = perturbed(x[n]!, y[n]!) as unknown as [number, number];
    const c = cosineOf(on.landscape.gradient(x[n]!, y[n]!), on.landscape.gradient(u, v));
    if (![loss[n]!, u, v, c].every(Number.isFinite)) break;
    [px[n], py[n], cosine[n]] = [u, v, c];
  }
  // Heavy ball moves as the flow does in the time t/(1 − γ).
  const pace = 1 - on.momentum;
  return {
    x: x.slice(0, n),
    y: y.slice(0, n),
    px: px.slice(0, n),
    py: py.slice(0, n),
    loss: loss.slice(0, n),
    cosine: cosine.slice(0, n),
    time: Float64Array.from({ length: n }, (_, k) => k * on.lr),
    flow: flowOf(on, start, (steps * on.lr) / pace, pace),
    end: n <= steps ? "diverged" : isFar(on, x[n - 1]!, y[n - 1]!) ? "left" : "goes on",
  };
}

function iterates(on: Model, [x0, y0]: Point, steps: number): { x: Float64Array; y: Float64Array } {
  const [x, y] = [new Float64Array(steps + 1), new Float64Array(steps + 1)];
  const isNoisy = on.deviation > 0;
  const field = atPoint(isNoisy ? on.variant.noisy[on.coupling] : on.variant.field, on);
  const noise = new Float64Array(isNoisy ? noiseInputs(on) : 0);
  const normal = randomNormal.source(randomLcg(on.seed))(0, on.deviation);
  const advance = stepOf(on);
  const state = Float64Array.of(x0, y0, 0, 0);
  for (let k = 0; k <= steps; k++) {
    if (!state.every(Number.isFinite)) return { x: x.slice(0, k), y: y.slice(0, k) };
    x[k] = state[0]!;
    y[k] = state[1]!;
    for (let i = 0; i < noise.length; i++) noise[i] = normal();
    const [fx, fy] = field(x[k]!, y[k]!, noise);
    advance(state, fx!, fy!);
  }
  return { x, y };
}

/** Returns the cosine of two vectors, 0 if one of them vanishes. */
function cosineOf(a: Point, b: Point): number {
  const lengths = [Math.hypot(...a), Math.hypot(...b)] as const;
  if (lengths[0] === 0 || lengths[1] === 0) return 0;
  return (a[0] / lengths[0]) * (b[0] / lengths[1]) + (a[1] / lengths[0]) * (b[1] / lengths[1]);
}

function isFar(on: Model, x: number, y: number): boolean {
  const [[a, b], [c, d]] = on.landscape.box;
  return Math.abs(x - (a + b) / 2) > FAR * (b - a) || Math.abs(y - (c + d) / 2) > FAR * (d - c);
}
