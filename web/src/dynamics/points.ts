/** Searches a box for the critical points of a landscape. */
import type { CriticalPoint, Interval, Kind, Landscape, Point } from "../types";
import { symmetricEigen } from "./symmetric";

const STARTS = 16; // starts per side of the box
const ITERATIONS = 120; // steps from one start; at a degenerate point a step shortens the distance only by a factor
const MOST = 16; // points that the page shows
const MOST_DEGENERATE = 6; // degenerate points that it shows: a curve of minima has no end of them
const NEGLIGIBLE = 1e-14; // in units of the box; shorter steps that do not lessen the gradient are rounding
const NEARBY = 0.01; // in units of the box; distance at which Hessians say what is small
const ZERO_GRADIENT = 1e-9; // relative to the Hessians nearby
const ZERO_EIGENVALUE = 1e-6; // relative to the Hessians nearby
const ROUNDED_ZERO = 1e-100; // relative to the largest Hessian at the starts; smaller ones are rounding
const SAME = 1e-6; // in units of the box; distance of one point's copies
const SAME_DEGENERATE = 1e-3; // the same for degenerate points, which are less precise
const APART = 0.12; // in units of the box; distance of the points that stand for a curve

interface Candidate {
  /** In units of the box, from its low corner. */
  u: Point;
  isDegenerate: boolean;
  /** Whether the Hessian vanishes all around it. One point stands for all plateaus. */
  isFlat: boolean;
}

/** Returns the critical points in a box, at most 16: first those with a regular Hessian, by ascending loss. */
export function criticalPoints(on: Landscape, box: readonly [Interval, Interval]): CriticalPoint[] {
  const search = new Search(on, box);
  const regular: Candidate[] = [];
  const degenerate: Candidate[] = [];
  const candidates = search.candidates();
  for (const c of candidates.filter((c) => !c.isDegenerate)) if (isNew(c, regular, SAME)) regular.push(c);
  const others = candidates.filter((c) => c.isDegenerate && isNew(c, regular, SAME_DEGENERATE));
  const curved = others.filter((c) => !c.isFlat);
  for (const c of curved) if (isNew(c, degenerate, APART)) degenerate.push(c);
  const plateaus = others.filter((c) => c.isFlat && isNew(c, degenerate, APART));
  degenerate.push(...spread(plateaus, 1));
  if (regular.length > MOST) regular.sort((a, b) => distance(a.u, [0.5, 0.5]) - distance(b.u, [0.5, 0.5]));
  const shown = regular.slice(0, MOST).map((c) => search.point(c));
  shown.sort((a, b) => a.loss - b.loss);
  const left = Math.min(MOST_DEGENERATE, MOST - shown.length);
  return [...shown, ...spread(degenerate, left).map((c) => search.point(c))];
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a[0] - b[0], a[1] - b[1]);
}

function isNew(candidate: Candidate, among: readonly Candidate[], within: number): boolean {
  return among.every(({ u }) => distance(u, candidate.u) > within);
}

/** Returns some of the points, each as far from those before it as can be; first the one nearest the centre. */
function spread(all: readonly Candidate[], count: number): Candidate[] {
  const result: Candidate[] = [];
  let far = all.map(({ u }) => -distance(u, [0.5, 0.5]));
  while (result.length < Math.min(count, all.length)) {
    const best = all[far.indexOf(Math.max(...far))]!;
    result.push(best);
    far = all.map(({ u }) => Math.min(...result.map((r) => distance(u, r.u))));
  }
  return result;
}

class Search {
  constructor(
    private readonly on: Landscape,
    private readonly box: readonly [Interval, Interval],
  ) {}

  private get extent(): Point {
    const [[a, b], [c, d]] = this.box;
    return [b - a, d - c];
  }

  private place(u: Point): Point {
    const [ex, ey] = this.extent;
    return [this.box[0][0] + ex * u[0], this.box[1][0] + ey * u[1]];
  }

  private gradient(u: Point): Point {
    const [gx, gy] = this.on.gradient(...this.place(u));
    const [ex, ey] = this.extent;
    return [gx * ex, gy * ey];
  }

  private hessian(u: Point): [number, number, number] {
    const [xx, xy, yy] = this.on.hessian(...this.place(u));
    const [ex, ey] = this.extent;
    return [xx * ex * ex, xy * ex * ey, yy * ey * ey];
  }

  private strength(u: Point): number {
    const [xx, xy, yy] = this.hessian(u);
    return Math.hypot(xx, xy, xy, yy);
  }

  /** Returns the critical points to which the starts lead, with repetitions. */
  candidates(): Candidate[] {
    // The starts lie off the lines of symmetry that landscapes have, on which Newton's method would stay.
    const starts: Point[] = [];
    for (let i = 0; i < STARTS; i++)
      for (let j = 0; j < STARTS; j++) starts.push([(i + 0.53217) / STARTS, (j + 0.48391) / STARTS]);
    const strengths = starts.map((u) => this.strength(u)).filter(Number.isFinite);
    const rounding = ROUNDED_ZERO * Math.max(0, ...strengths);
    return starts.flatMap((start) => {
      const u = this.descend(start);
      const inBox = u.every((c) => c >= -SAME && c <= 1 + SAME);
      return inBox ? this.candidate(u, rounding) : [];
    });
  }

  /** Lessens the gradient's length by steps of Levenberg and Marquardt, which are Newton's near a regular point. */
  private descend(start: Point): Point {
    let u = start;
    let g = this.gradient(u);
    let square = g[0] * g[0] + g[1] * g[1];
    let damping = 1e-3;
    for (let k = 0; k < ITERATIONS && square > 0; k++) {
      const [xx, xy, yy] = this.hessian(u);
      const [a, b, d] = [xx * xx + xy * xy, xy * (xx + yy), xy * xy + yy * yy]; // H²
      const [p, q] = [xx * g[0] + xy * g[1], xy * g[0] + yy * g[1]]; // Hg
      const shift = damping * (a + d);
      const determinant = (a + shift) * (d + shift) - b * b;
      const step: Point = [((d + shift) * p - b * q) / determinant, ((a + shift) * q - b * p) / determinant];
      if (!Number.isFinite(step[0]) || !Number.isFinite(step[1])) break;
      const next: Point = [u[0] - step[0], u[1] - step[1]];
      const there = this.gradient(next);
      const length = there[0] * there[0] + there[1] * there[1];
      if (length < square) {
        [u, g, square] = [next, there, length];
        damping = damping < 1e-14 ? 0 : damping / 10;
      } else if (damping > 1e6 || Math.hypot(...step) < NEGLIGIBLE) break;
      else damping = Math.max(10 * damping, 1e-12);
    }
    return this.polished(u, square);
  }

  /** Rounds the digits that the search leaves open, if the gradient is no longer there. */
  private polished(u: Point, square: number): Point {
    const [x, y] = this.place(u);
    const [ex, ey] = this.extent;
    const round = (value: number, extent: number): number => {
      const unit = 10 ** (Math.floor(Math.log10(extent)) - 11);
      return Number((Math.round(value / unit) * unit).toPrecision(12));
    };
    const rounded: Point = [(round(x, ex) - this.box[0][0]) / ex, (round(y, ey) - this.box[1][0]) / ey];
    const g = this.gradient(rounded);
    return g[0] * g[0] + g[1] * g[1] <= square ? rounded : u;
  }

  private candidate(u: Point, rounding: number): Candidate[] {
    const g = Math.hypot(...this.gradient(u));
    let strength = this.strength(u);
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1], [1, -1], [-1, 1]] as const) {
      const near = this.strength([u[0] + NEARBY * dx, u[1] + NEARBY * dy]);
      if (Number.isFinite(near)) strength = Math.max(strength, near);
    }
    if (!(g <= ZERO_GRADIENT * strength) || (strength > 0 && strength < rounding)) return [];
    const least = Math.min(...symmetricEigen(...this.hessian(u)).values.map(Math.abs));
    return [{ u, isDegenerate: !(least > ZERO_EIGENVALUE * strength), isFlat: strength === 0 }];
  } // prettier-ignore

  point({ u, isDegenerate }: Candidate): CriticalPoint {
    const place = this.place(u);
    // The corner of the box is added to u, so a coordinate of 0 has its rounding.
    const w = place.map((c, i) => (Math.abs(c) < 1e-13 * this.extent[i]! ? 0 : c)) as [number, number];
    const { values, vectors } = symmetricEigen(...this.on.hessian(...w));
    const kind: Kind = isDegenerate ? "degenerate" : values[0] > 0 ? "minimum" : values[1] < 0 ? "maximum" : "saddle";
    return { w, loss: this.on.value(...w), kind, eigenvalues: values, eigenvectors: vectors };
  }
}
