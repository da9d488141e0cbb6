/** The flow ẇ = −F(w), by the method of Dormand and Prince of order 5(4). */
import { atPoint } from "../model";
import type { Model, Point, Run } from "../types";

const TOLERANCE = 1e-9; // error of a step, relative to the box and to |w|
const MOST_POINTS = 4000;
const MOST_STEPS = 20_000;
const LEAST_STEPS = 200; // a step is no longer than this fraction of the time
const LONGEST = 1 / 60; // in units of the box; way of one step, so that the line looks smooth and sees jumps
const SHORTEST = 1 / 4000; // in units of the box; way of a step that is short enough where the field jumps
// Time of a step that is short enough where the field jumps, in units of η: iterates that are stable have ηλ < 2, so for
// them such a step is precise. Landscapes with kinks make the fields of all methods jump.
const SHORTEST_TIME = { smooth: 1 / 64, normalised: 1 / 8 };
const SHORTEST_SHARE = 1 / 5000; // the same, as a fraction of the time
const FAR = 1e6; // in units of the box; runs beyond it have left

// The coefficients of the stages, of the result, and of the error.
const A: readonly (readonly number[])[] = [
  [1 / 5],
  [3 / 40, 9 / 40],
  [44 / 45, -56 / 15, 32 / 9],
  [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
  [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
  [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
];
const ERROR = [71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40];

/**
 * Returns the flow from a start over a time.
 *
 * At a set where the field jumps, as that of a normalised method does, the flow slides. No step is short enough for the
 * error there, so that steps of a least length are taken as they are: the flow stays at the set, to within that length.
 *
 * @param unit factor of the times in the result
 */
export function flowOf(on: Model, start: Point, duration: number, unit: number): Run["flow"] {
  const field = atPoint(on.variant.field, on);
  const [[a, b], [c, d]] = on.landscape.box;
  const size = Math.hypot(b - a, d - c);
  const line = new Line();
  const k = Array.from({ length: 7 }, () => [0, 0] as [number, number]);
  const derive = (stage: number, x: number, y: number): void => {
    const [fx, fy] = field(x, y);
    k[stage] = [-fx!, -fy!];
  };

  const inSteps = on.lr * (on.method.differentiable ? SHORTEST_TIME.smooth : SHORTEST_TIME.normalised);
  const shortest = Math.max(inSteps, SHORTEST_SHARE * duration);
  let [x, y] = start;
  let t = 0;
  let h = duration / 1000;
  derive(0, x, y);
  line.push(x, y, 0);
  for (let steps = 0; t < duration && steps < MOST_STEPS; steps++) {
    const speed = Math.hypot(...k[0]!);
    if (!Number.isFinite(speed) || Math.hypot(x, y) > FAR * size) break;
    if (speed === 0) {
      line.push(x, y, duration); // the flow rests
      break;
    }
    const longest = LONGEST * Math.max(size, Math.hypot(x, y)); // far away a run may go as fast as it likes
    h = Math.min(h, duration / LEAST_STEPS, longest / speed, duration - t);
    const least = Math.min((SHORTEST * size) / speed, shortest);
    let [nx, ny] = [x, y];
    for (let stage = 0; stage < 6; stage++) {
      [nx, ny] = [x, y];
      A[stage]!.forEach((weight, j) => {
        nx += h * weight * k[j]![0];
        ny += h * weight * k[j]![1];
      });
      derive(stage + 1, nx, ny);
    }
    let [ex, ey] = [0, 0];
    ERROR.forEach((weight, j) => {
      ex += h * weight * k[j]![0];
      ey += h * weight * k[j]![1];
    });
    const error = Math.hypot(ex, ey) / (TOLERANCE * (size + Math.hypot(x, y)));
    if (error <= 1 || h <= least || h < 1e-15 * duration) {
      t = duration - t - h < 1e-12 * duration ? duration : t + h;
      [x, y] = [nx, ny];
      k[0] = k[6]!; // the last stage is the first of the next step
      line.push(x, y, t);
    }
    const factor = Number.isFinite(error) ? 0.9 * Math.max(error, 1e-10) ** -0.2 : 0.2;
    h = Math.max(h * Math.min(5, Math.max(0.2, factor)), least);
  }
  return line.result(on, unit);
} // prettier-ignore

/** Points of a line, of which every second one is left out whenever they become too many. */
class Line {
  private points: [x: number, y: number, t: number][] = [];
  private every = 1;
  private count = 0;
  private last: [number, number, number] | null = null;

  push(x: number, y: number, t: number): void {
    this.last = [x, y, t];
    if (this.count++ % this.every) return;
    this.points.push(this.last);
    if (this.points.length < MOST_POINTS) return;
    this.points = this.points.filter((_, i) => i % 2 === 0);
    this.every *= 2;
    this.count = 1 + this.every * (this.points.length - 1);
  }

  result(on: Model, unit: number): Run["flow"] {
    if (this.last && this.points.at(-1) !== this.last) this.points.push(this.last);
    const column = (j: 0 | 1 | 2): Float64Array => Float64Array.from(this.points, (p) => p[j]);
    const [x, y, time] = [column(0), column(1), column(2)];
    return { x, y, loss: on.landscape.values(x, y), time: time.map((t) => t * unit) };
  }
}
