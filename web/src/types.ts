/**
 * What the parts of the page exchange. The first part is the data that Python writes into the page
 * (samdyn/explorer/data.py); it is made of JSON alone, and nothing of it is ever evaluated as code.
 */

/**
 * One operation on scalars. It has a number: that of its place in the program, counted after the inputs.
 *
 * ["=", value]                              a literal, a finite number
 * [operation, ...numbers of the arguments]  see OPERATIONS in program.ts
 * [call, component, ...arguments]           a component of a function that the program does not contain:
 *   "gradient" (2 arguments, 2 components), "hessian" (2; xx, xy, yy), "third" (2; xxx, xxy, xyy, yyy)
 */
export type Instruction = readonly [operation: string, ...numbers: number[]];

/** Operations on scalars, each after its arguments. samdyn/compiler/web traces it, formula/ writes it for typed formulas. */
export interface Program {
  /** The names of the inputs, whose numbers are 0, 1, … */
  inputs: readonly string[];
  code: readonly Instruction[];
  /** The numbers of the results. */
  outputs: readonly number[];
}

export type Interval = readonly [low: number, high: number];
export type Point = readonly [number, number];

export interface LandscapeData {
  /** Plain text from a user, maybe with markup in it: show it only as text. */
  name: string;
  /** The formula as samdyn reads it, such as "x**2 - y**2"; plain text from a user. */
  formula: string;
  latex: string;
  coordinates: readonly [string, string];
  box: readonly [Interval, Interval];
  /** Each takes the two coordinates. Outputs: 1; 2; xx, xy, yy; xxx, xxy, xyy, yyy. */
  programs: { value: Program; gradient: Program; hessian: Program; third: Program };
}

/** A number that a method takes, such as rho: the programs of the method have it as an input of this name. */
export interface Parameter {
  name: string;
  latex: string;
  /** Value at the start, and the range of the slider. */
  value: number;
  range: Interval;
}

export type Coupling = "shared" | "independent" | "clean";

/** A method with a number of ascent steps. */
export interface Variant {
  ascentSteps: number;
  average: boolean;
  /** The effective curvature as a function of λ and ρ, LaTeX; null if the method has no such formula. */
  effective: string | null;
  /** F(x, y, …parameters): 2 outputs. In double and in single precision (they scale norms by other powers of 2). */
  field: Program;
  field32: Program;
  /** The perturbed point wᵖ: 2 outputs. */
  perturbed: Program;
  /** The Jacobian of F, row by row: 4 outputs. It has no meaning at critical points of a method that jumps there. */
  jacobian: Program;
  /**
   * F with noise in the gradients: further inputs noise0, noise1 are the first draw, noise2, noise3 the second, …
   * They are added to gradients: normal numbers times the standard deviation.
   */
  noisy: Record<Coupling, Program>;
  noisy32: Record<Coupling, Program>;
}

export interface MethodData {
  name: string;
  /** What F is, LaTeX such as "\\nabla L(w + \\rho\\,\\nabla L(w))"; null for a method of a user. */
  latex: string | null;
  parameters: readonly Parameter[];
  /** Whether F has a Jacobian at a saddle. Normalised methods have none. */
  differentiable: boolean;
  /** By ascentSteps 1 … 5, first without and then (from 2 steps on) with the average; one for a method without steps. */
  variants: readonly Variant[];
}

/** How iterates move: plain steps, heavy ball, Nesterov's momentum. */
export interface StepData {
  name: "plain" | "heavy ball" | "Nesterov";
  /** Inputs: x, y, vx, vy, Fx, Fy, lr, momentum. Outputs: the next x, y, vx, vy. The step is affine in the first six. */
  program: Program;
  /** The conditions under which a direction of effective curvature λ_e attracts, LaTeX. */
  conditions: readonly string[];
}

export interface Data {
  /** samdyn's version. */
  version: string;
  landscapes: readonly LandscapeData[];
  methods: readonly MethodData[];
  steps: readonly StepData[];
  /** The condition for the flow, LaTeX. */
  flowCondition: string;
  /** What a typed formula may contain; the rules of samdyn/landscapes/formulas/parse.py. */
  grammar: {
    functions: readonly { name: string; variadic: boolean }[];
    constants: Readonly<Record<string, number>>;
    maxLength: number;
    maxDepth: number;
    largestNumber: number;
    largestExponent: number;
  };
}

// ---------------------------------------------------------------- what the page works with

/** All that the URL says and a preset sets. */
export interface Settings {
  /** Name of a landscape of the data, or "" for the typed formula. */
  landscape: string;
  formula: string;
  method: string;
  /** Values of the parameters of all methods, by name. */
  parameters: Record<string, number>;
  ascentSteps: number;
  average: boolean;
  step: StepData["name"];
  lr: number;
  momentum: number;
  noise: boolean;
  /** Standard deviation of one sample's gradient, per coordinate; a batch has deviation/√batchSize. */
  deviation: number;
  batchSize: number;
  coupling: Coupling;
  seed: number;
  /** What the picture shows. */
  particles: boolean;
  basins: boolean;
  contours: boolean;
  field: boolean;
  count: number;
  /** Steps of the particles per second of the picture at 60 frames a second: steps per frame. */
  speed: number;
  /** Start of the run, null for none, and how many steps it has. */
  start: Point | null;
  steps: number;
  /** A run to compare with, its whole settings; null for none. */
  pinned: Settings | null;
  view: readonly [Interval, Interval];
}

/** A landscape that can be evaluated. */
export interface Landscape extends LandscapeData {
  value(x: number, y: number): number;
  gradient(x: number, y: number): [number, number];
  /** xx, xy, yy */
  hessian(x: number, y: number): [number, number, number];
  /** Values at many points at once. */
  values(x: Float64Array, y: Float64Array): Float64Array;
}

/** What runs: a landscape, a variant of a method with its numbers, and a kind of step. */
export interface Model {
  landscape: Landscape;
  method: MethodData;
  variant: Variant;
  step: StepData;
  /** Values of the method's parameters, by name. */
  parameters: Readonly<Record<string, number>>;
  lr: number;
  momentum: number;
  /** Standard deviation of a batch's gradient per coordinate; 0 for no noise. */
  deviation: number;
  coupling: Coupling;
  seed: number;
}

export type Kind = "minimum" | "saddle" | "maximum" | "degenerate";
/** What a critical point is under the iterates. "holds": no Jacobian, but starts within `trap` are led back. */
export type Role = "attractor" | "saddle" | "repeller" | "holds" | "neutral";

export interface CriticalPoint {
  w: Point;
  loss: number;
  kind: Kind;
  /** Eigenvalues of the Hessian, ascending, with unit eigenvectors. */
  eigenvalues: readonly [number, number];
  eigenvectors: readonly [Point, Point];
}

/** What the model does near a critical point. */
export interface Verdict {
  role: Role;
  /** Effective curvatures, the eigenvalues of F's Jacobian [re, im]; null if F has none at the point. */
  effective: readonly [Point, Point] | null;
  /** Multipliers of the joint step [re, im], two or four; null if F has none. */
  multipliers: readonly Point[] | null;
  /** Intervals of ρ in which the point attracts the iterates, all else as it is; null if it is no question of ρ. */
  attractsFor: readonly Interval[] | null;
  /** Distance along the escape direction within which F leads back (0: none; Infinity: all of the landscape's box). */
  trap: number | null;
}

/** A run of the iterates and of the flow from one start. */
export interface Run {
  /** Iterates (steps + 1), perturbed points, loss, and cos(∇L(w), ∇L(wᵖ)) at each; shorter if the run overflows. */
  x: Float64Array;
  y: Float64Array;
  px: Float64Array;
  py: Float64Array;
  loss: Float64Array;
  cosine: Float64Array;
  /** t = kη. */
  time: Float64Array;
  /** The flow ẇ = −F without noise and momentum, over the same time, at times of its own. With momentum its time is
   * t/(1 − γ), in which heavy ball follows it. */
  flow: { x: Float64Array; y: Float64Array; loss: Float64Array; time: Float64Array };
  /** How the run ends. */
  end: "goes on" | "left" | "diverged";
}

/** The outcome of a particle: the number of a critical point that it stays at, or one of these. */
export const UNDECIDED = -1;
export const LEFT = -2;

/** Particles that start on a grid of the view and take the model's steps. */
export interface Engine {
  readonly kind: "WebGL2" | "JavaScript";
  /** Number of particles. */
  readonly count: number;
  /** Take a model with other programs, or the same with other numbers, and its critical points. Particles go on. */
  setModel(model: Model, points: readonly CriticalPoint[]): void;
  /** Start all particles anew, on a grid of the view. */
  restart(view: Settings["view"], count: number): void;
  /** Take steps. */
  advance(steps: number): void;
  /** Draw on the engine's canvas, in CSS colours: one per critical point, and one for undecided particles. */
  draw(view: Settings["view"], layers: { particles: boolean; basins: boolean }, colours: OutcomeColours): void;
  /** Share of the particles with each outcome: [points…, undecided, left]. Costly: at most a few times a second. */
  shares(): number[];
  /** The states, 4 numbers per particle: x, y, vx, vy; for tests. */
  states(): Float32Array | Float64Array;
  resize(width: number, height: number, pixelRatio: number): void;
  dispose(): void;
}

export interface OutcomeColours {
  /** One "#rrggbb" per critical point. */
  points: readonly string[];
  undecided: string;
  left: string;
  background: string;
}
