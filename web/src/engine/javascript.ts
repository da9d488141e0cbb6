/** Particles without a GPU: the same rules in double precision, for fewer particles, drawn pixel by pixel. */
import type { View } from "../draw/transform";
import { evaluate } from "../program";
import type { CriticalPoint, Engine, Interval, Model, OutcomeColours } from "../types";
import { LEFT, UNDECIDED } from "../types";
import { makeGrid, type Grid } from "./grid";
import { normals, uniforms } from "./noise";
import { LEAST_STEPS, nearestPoints, rulesOf, type Rules, type Table } from "./outcomes";
import { countShares, PICTURE, rgb, setSize } from "./picture";

const BUDGET = 20; // milliseconds of steps per call of advance
/** More particles than this are not smooth in JavaScript. */
const LARGEST_COUNT = 20_000;

export class JavaScriptEngine implements Engine {
  readonly kind = "JavaScript";
  readonly isSoftware = true;
  steps = 0;
  lastMilliseconds = 0;
  private readonly context: CanvasRenderingContext2D;
  private grid: Grid | null = null;
  private model: Model | null = null;
  private points: readonly CriticalPoint[] = [];
  private table: Table | null = null;
  /** x, y, vx, vy, each of all particles. */
  private state: Float64Array[] = [];
  /** Per particle: number of a point (-1: none, -2: left), share of its dwell time, least distance, step of arrival. */
  private outcomes = new Float64Array(0);
  private width = 1;
  private height = 1;
  private pixelRatio = 1;
  private image: ImageData | null = null;

  constructor(private readonly canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d", { alpha: false });
    if (!context) throw new Error("the browser has no canvas");
    this.context = context;
  }

  get count(): number {
    return this.outcomes.length / 4;
  }

  setModel(model: Model, points: readonly CriticalPoint[]): void {
    const isOther = points !== this.points || model.lr !== this.model?.lr;
    this.model = model;
    this.points = points;
    if (isOther) this.table = nearestPoints(points, model.lr);
  }

  restart(view: View, count: number): void {
    const grid = makeGrid(view, Math.min(count, LARGEST_COUNT), this.width, this.height);
    const particles = grid.columns * grid.rows;
    this.grid = grid;
    this.steps = 0;
    this.state = [0, 1, 2, 3].map(() => new Float64Array(particles));
    this.outcomes = new Float64Array(4 * particles);
    const [x, y] = this.state as [Float64Array, Float64Array];
    const [[left, right], [bottom, top]] = view;
    const within = new Float64Array(2);
    for (let i = 0; i < particles; i++) {
      uniforms(i, 0, 0, within);
      x[i] = left + (((i % grid.columns) + within[0]!) / grid.columns) * (right - left);
      y[i] = bottom + ((Math.floor(i / grid.columns) + within[1]!) / grid.rows) * (top - bottom);
      this.outcomes[4 * i] = UNDECIDED;
    }
  }

  advance(steps: number): number {
    const { grid, model, table } = this;
    if (!grid || !model || !table) return 0;
    const rules = rulesOf(model, this.points, grid.view);
    const start = performance.now();
    let done = 0;
    while (done < steps && (done === 0 || performance.now() - start < BUDGET)) {
      this.step(model, table, rules);
      done++;
    }
    this.lastMilliseconds = performance.now() - start;
    return done;
  }

  draw(view: View, layers: { particles: boolean; basins: boolean }, colours: OutcomeColours): void {
    const { width, height } = this.canvas;
    const isOld = this.image?.width !== width || this.image.height !== height;
    const image = (this.image = isOld ? this.context.createImageData(width, height) : this.image!);
    const pixels = image.data;
    const words = new Uint32Array(pixels.buffer); // a pixel each
    const background = rgb(colours.background);
    words.fill(word(background));
    const palette = [...colours.points, colours.undecided, colours.left].map(rgb);
    if (layers.basins) {
      const alpha = layers.particles ? PICTURE.basinsUnderParticles : PICTURE.basins;
      this.drawBasins(words, view, palette, background, alpha);
    }
    if (layers.particles) this.drawParticles(pixels, view, palette);
    this.context.putImageData(image, 0, 0);
  }

  shares(): number[] {
    return countShares(this.outcomes, this.points.length);
  }

  states(): Float64Array {
    const all = new Float64Array(4 * this.count);
    this.state.forEach((values, k) => values.forEach((value, i) => (all[4 * i + k] = value)));
    return all;
  }

  resize(width: number, height: number, pixelRatio: number): void {
    [this.width, this.height, this.pixelRatio] = [width, height, pixelRatio];
    setSize(this.canvas, width, height, pixelRatio);
  }

  dispose(): void {
    this.state = [];
    this.outcomes = new Float64Array(0);
  }

  // -------------------------------------------------------------- steps

  private step(model: Model, table: Table, rules: Rules): void {
    const [x, y, vx, vy] = this.state as [Float64Array, Float64Array, Float64Array, Float64Array];
    const program = model.deviation > 0 ? model.variant.noisy[model.coupling] : model.variant.field;
    const noise = model.deviation > 0 ? this.noise(model, program.inputs) : [];
    const further = program.inputs.slice(2).map((name) => {
      const place = /^noise(\d+)$/.exec(name);
      return place ? noise[Number(place[1])]! : model.parameters[name]!;
    });
    const F = evaluate(program, [x, y, ...further], model.landscape.programs);
    const next = evaluate(model.step.program, [x, y, vx, vy, F[0]!, F[1]!, model.lr, model.momentum]);
    this.follow(next, model.lr, table, rules);
    this.steps++;
  }

  /** One array of all particles per input of noise. */
  private noise(model: Model, inputs: readonly string[]): Float64Array[] {
    const count = inputs.filter((name) => /^noise\d+$/.test(name)).length;
    const arrays = Array.from({ length: 2 * Math.ceil(count / 2) }, () => new Float64Array(this.count));
    const pair = new Float64Array(2);
    for (let draw = 0; 2 * draw < arrays.length; draw++) {
      const [first, second] = [arrays[2 * draw]!, arrays[2 * draw + 1]!];
      for (let i = 0; i < this.count; i++) {
        normals(model.seed, i, this.steps, draw, pair);
        first[i] = model.deviation * pair[0]!;
        second[i] = model.deviation * pair[1]!;
      }
    }
    return arrays;
  }

  /** Takes the next states of the particles that have not left, and their outcomes: the rules of outcomes.ts. */
  private follow(next: Float64Array[], lr: number, table: Table, rules: Rules): void {
    const { outcomes, state, steps } = this;
    const { size, low, side, cells } = table;
    const [[left, right], [bottom, top]] = rules.far;
    const [x, y] = next as [Float64Array, Float64Array];
    const place = (value: number, axis: 0 | 1): number =>
      Math.max(0, Math.min(size - 1, Math.floor(((value - low[axis]) / side[axis]) * size)));
    for (let i = 0; i < this.count; i++) {
      const o = 4 * i;
      if (outcomes[o] === LEFT) continue;
      for (let k = 0; k < 4; k++) state[k]![i] = next[k]![i]!;
      const [a, b] = [x[i]!, y[i]!];
      if (!(a > left && a < right && b > bottom && b < top)) {
        outcomes[o] = LEFT;
        outcomes[o + 3] = steps;
        continue;
      }
      const cell = 4 * (place(b, 1) * size + place(a, 0));
      const d = Math.hypot((a - cells[cell]!) / rules.radius[0], (b - cells[cell + 1]!) / rules.radius[1]);
      const point = cells[cell + 2]!;
      if (point < 0 || !(d < 1)) {
        outcomes[o] = UNDECIDED;
        outcomes[o + 1] = 0;
      } else if (outcomes[o] !== point || d > Math.max(2 * outcomes[o + 2]!, rules.floor)) {
        outcomes[o] = point;
        outcomes[o + 1] = 0;
        outcomes[o + 2] = d;
        outcomes[o + 3] = steps;
      } else {
        outcomes[o + 1] = Math.min(1, outcomes[o + 1]! + Math.min(lr / cells[cell + 3]!, 1 / LEAST_STEPS));
        outcomes[o + 2] = Math.min(outcomes[o + 2]!, d);
      }
    }
  }

  // -------------------------------------------------------------- pictures

  private drawBasins(words: Uint32Array, view: View, palette: Colour[], background: Colour, alpha: number): void {
    const { grid } = this;
    if (!grid) return;
    const { width, height } = this.canvas;
    const cells = new Uint32Array(this.count);
    const colour: Colour = [0, 0, 0];
    for (let i = 0; i < cells.length; i++) {
      this.colour(i, palette, colour);
      cells[i] = word(colour.map((value, k) => background[k]! + alpha * (value - background[k]!)) as Colour);
    }
    // The column and the row of cells of each pixel.
    const columns = places(width, view[0], grid.view[0], grid.columns);
    const rows = places(height, view[1], grid.view[1], grid.rows).reverse();
    for (let y = 0; y < height; y++) {
      const row = rows[y]!;
      if (row < 0 || row >= grid.rows) continue;
      for (let x = 0; x < width; x++) {
        const column = columns[x]!;
        if (column >= 0 && column < grid.columns) words[y * width + x] = cells[row * grid.columns + column]!;
      }
    }
  }

  private drawParticles(pixels: Uint8ClampedArray, view: View, palette: Colour[]): void {
    const { width, height } = this.canvas;
    const [[left, right], [bottom, top]] = view;
    const [x, y] = this.state as [Float64Array, Float64Array];
    const side = Math.max(1, Math.round(PICTURE.size * this.pixelRatio));
    const colour: Colour = [0, 0, 0];
    for (let i = 0; i < this.count; i++) {
      if (this.outcomes[4 * i] === LEFT) continue;
      const column = Math.round(((x[i]! - left) / (right - left)) * width - side / 2);
      const row = Math.round(((top - y[i]!) / (top - bottom)) * height - side / 2);
      if (!(column >= 0 && row >= 0 && column + side <= width && row + side <= height)) continue;
      this.colour(i, palette, colour);
      for (let dy = 0; dy < side; dy++)
        for (let dx = 0; dx < side; dx++) blend(pixels, 4 * ((row + dy) * width + column + dx), colour);
    }
  }

  /** The colour of a particle's outcome: that of its point as far as its dwell time has passed. */
  private colour(particle: number, palette: Colour[], to: Colour): void {
    const which = this.outcomes[4 * particle]!;
    const undecided = palette[palette.length - 2]!;
    const point = which === LEFT ? palette[palette.length - 1]! : which < 0 ? undecided : palette[which]!;
    const share = which < 0 ? 1 : this.outcomes[4 * particle + 1]!;
    for (let k = 0; k < 3; k++) to[k as 0 | 1 | 2] = undecided[k]! + share * (point[k]! - undecided[k]!);
  }
}

type Colour = [number, number, number];

function blend(pixels: Uint8ClampedArray, at: number, colour: Colour): void {
  for (let k = 0; k < 3; k++) pixels[at + k]! += PICTURE.alpha * (colour[k as 0 | 1 | 2] - pixels[at + k]!);
}

/** The cell of each pixel along an axis of the picture. */
function places(pixels: number, [low, high]: Interval, [first, last]: Interval, cells: number): Int32Array {
  const place = (pixel: number): number => low + ((pixel + 0.5) / pixels) * (high - low);
  return Int32Array.from({ length: pixels }, (_, k) => Math.floor(((place(k) - first) / (last - first)) * cells));
}

/** A colour as an opaque pixel. All processors that browsers run on store the lowest byte first. */
function word([r, g, b]: Colour): number {
  return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
}
