/**
 * Particles on the GPU. A vertex shader takes the steps of one particle, and transform feedback keeps the result, so
 * the engine needs nothing beyond WebGL2. Numbers of the model are uniforms: only other formulas compile.
 */
import type { View } from "../draw/transform";
import type { CriticalPoint, Engine, Landscape, Model, OutcomeColours, Variant } from "../types";
import { Shader, table, Watch } from "./gl";
import { makeGrid, type Grid } from "./grid";
import { nearestPoints, rulesOf, type Table } from "./outcomes";
import { Pace } from "./pace";
import { BASINS, fieldShader, NO_FRAGMENTS, PARTICLES, stepShader } from "./shaders";
import { countShares, PICTURE, rgb, setSize } from "./picture";

const PROGRAMS = 16; // compiled programs that are kept
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i; // names of renderers without a GPU

/** All that lives on the GPU, made anew after the browser took the context away. */
interface Resources {
  /** Two buffers each, one that is read and one that is written. */
  states: [WebGLBuffer, WebGLBuffer];
  outcomes: [WebGLBuffer, WebGLBuffer];
  arrays: [WebGLVertexArrayObject, WebGLVertexArrayObject];
  feedbacks: [WebGLTransformFeedback, WebGLTransformFeedback];
  nothing: WebGLVertexArrayObject;
  nearest: WebGLTexture;
  palette: WebGLTexture;
  picture: WebGLTexture;
  particles: Shader;
  basins: Shader;
  /** Programs that take steps, by their text. */
  programs: Map<string, Shader>;
}

export class WebGLEngine implements Engine {
  readonly kind = "WebGL2";
  readonly isSoftware: boolean;
  steps = 0;
  private readonly gl: WebGL2RenderingContext;
  private readonly pace = new Pace();
  private readonly watch: Watch;
  private resources!: Resources;
  private front: 0 | 1 = 0;
  private grid: Grid | null = null;
  private begins = false;
  private model: Model | null = null;
  private points: readonly CriticalPoint[] = [];
  private table: Table | null = null;
  private stepper: Shader | null = null;
  private width = 1;
  private height = 1;
  private pixelRatio = 1;
  private frameStart = 0;
  /** Steps of the frame that has no picture yet, null if there is none. */
  private frameSteps: number | null = null;
  /** Whether the texture of outcomes, and the canvas, are older than the particles. */
  private textureIsOld = true;
  private hasMoved = true;
  private lastPicture = "";

  constructor(private readonly canvas: HTMLCanvasElement) {
    const options: WebGLContextAttributes = { alpha: false, antialias: false, depth: false };
    // A picture is kept until the next one, so that it can be saved at any time.
    Object.assign(options, { preserveDrawingBuffer: true, powerPreference: "high-performance" });
    const gl = canvas.getContext("webgl2", options);
    if (!gl) throw new Error("the browser has no WebGL2. Use the engine in JavaScript");
    this.gl = gl;
    const info = gl.getExtension("WEBGL_debug_renderer_info");
    this.isSoftware = SOFTWARE.test(String(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER)));
    this.watch = new Watch(gl);
    this.build();
    canvas.addEventListener("webglcontextlost", this.onLost);
    canvas.addEventListener("webglcontextrestored", this.onRestored);
  }

  get count(): number {
    return this.grid ? this.grid.columns * this.grid.rows : 0;
  }

  get lastMilliseconds(): number {
    return this.pace.lastMilliseconds;
  }

  setModel(model: Model, points: readonly CriticalPoint[]): void {
    const before = this.model;
    this.model = model;
    const isOtherTable = points !== this.points || model.lr !== before?.lr;
    this.points = points;
    if (isOtherTable) this.setTable();
    if (!before || !this.stepper || !hasSameText(model, before)) this.compile();
  }

  restart(view: View, count: number): void {
    const largest = this.gl.getParameter(this.gl.MAX_TEXTURE_SIZE) as number;
    const grid = makeGrid(view, count, this.width, this.height);
    grid.columns = Math.min(grid.columns, largest);
    grid.rows = Math.min(grid.rows, largest);
    const before = this.count;
    this.grid = grid;
    if (this.count !== before) this.allocate();
    this.steps = 0;
    this.begins = true;
  }

  advance(steps: number): number {
    if (this.watch.isBusy || this.gl.isContextLost() || !this.stepper?.ready() || !this.grid) return 0;
    const allowed = this.pace.allow(steps);
    this.frameStart = performance.now();
    this.frameSteps = allowed;
    this.take(allowed);
    return allowed;
  }

  draw(view: View, layers: { particles: boolean; basins: boolean }, colours: OutcomeColours): void {
    const { gl } = this;
    const picture = JSON.stringify([view, layers, colours, this.canvas.width, this.canvas.height]);
    if (gl.isContextLost() || (!this.hasMoved && picture === this.lastPicture)) return;
    this.hasMoved = false;
    this.lastPicture = picture;
    const [r, g, b] = rgb(colours.background);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    gl.clearColor(r / 255, g / 255, b / 255, 1);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!this.grid) return;
    if (this.begins && this.stepper?.ready()) this.take(0);
    if (this.begins) return;
    this.setPalette(colours);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
    gl.viewport(0, 0, this.canvas.width, this.canvas.height);
    if (layers.basins) this.drawBasins(view, layers.particles);
    if (layers.particles) this.drawParticles(view);
    gl.disable(gl.BLEND);
    this.mark();
  }

  shares(): number[] {
    return countShares(this.read(this.resources.outcomes[this.front]), this.points.length);
  }

  states(): Float32Array {
    return this.read(this.resources.states[this.front]);
  }

  resize(width: number, height: number, pixelRatio: number): void {
    // Without a GPU, each pixel of the device takes time that steps need.
    this.pixelRatio = this.isSoftware ? Math.min(1, pixelRatio) : pixelRatio;
    [this.width, this.height] = [width, height];
    setSize(this.canvas, width, height, this.pixelRatio);
  }

  dispose(): void {
    this.watch.clear();
    this.canvas.removeEventListener("webglcontextlost", this.onLost);
    this.canvas.removeEventListener("webglcontextrestored", this.onRestored);
    this.gl.getExtension("WEBGL_lose_context")?.loseContext(); // gives back all memory at once
  }

  // -------------------------------------------------------------- steps

  private take(steps: number): void {
    const { gl, grid, model, stepper, table: nearest } = this;
    if (!grid || !model || !stepper || !nearest) return;
    const { arrays, feedbacks } = this.resources;
    const rules = rulesOf(model, this.points, grid.view);
    const [[left, right], [bottom, top]] = grid.view;
    gl.useProgram(stepper.program);
    gl.uniform1i(stepper.at("steps"), steps);
    gl.uniform1ui(stepper.at("firstStep"), this.steps);
    gl.uniform1ui(stepper.at("seed"), model.seed >>> 0);
    gl.uniform1i(stepper.at("begin"), Number(this.begins));
    gl.uniform2i(stepper.at("grid"), grid.columns, grid.rows);
    gl.uniform4f(stepper.at("start"), left, bottom, right - left, top - bottom);
    gl.uniform4f(stepper.at("far"), rules.far[0][0], rules.far[1][0], rules.far[0][1], rules.far[1][1]);
    gl.uniform2f(stepper.at("radius"), ...rules.radius);
    gl.uniform1f(stepper.at("leastDistance"), rules.floor);
    gl.uniform4f(stepper.at("box"), ...nearest.low, ...nearest.side);
    gl.uniform1f(stepper.at("lr"), model.lr);
    gl.uniform1f(stepper.at("momentum"), model.momentum);
    gl.uniform1f(stepper.at("deviation"), model.deviation);
    const values = model.method.parameters.map((parameter) => model.parameters[parameter.name] ?? parameter.value);
    if (values.length) gl.uniform1fv(stepper.at("parameters"), values);
    gl.uniform1i(stepper.at("nearest"), 0);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.resources.nearest);

    gl.bindVertexArray(arrays[this.front]);
    gl.bindTransformFeedback(gl.TRANSFORM_FEEDBACK, feedbacks[this.front]);
    gl.enable(gl.RASTERIZER_DISCARD);
    gl.beginTransformFeedback(gl.POINTS);
    gl.drawArrays(gl.POINTS, 0, this.count);
    gl.endTransformFeedback();
    gl.disable(gl.RASTERIZER_DISCARD);
    gl.bindTransformFeedback(gl.TRANSFORM_FEEDBACK, null);
    gl.bindVertexArray(null);
    this.front = this.front === 0 ? 1 : 0;
    this.steps += steps;
    this.begins = false;
    this.textureIsOld = true;
    this.hasMoved = true;
  }

  /** Measures the time from the frame's steps on. */
  private mark(): void {
    const steps = this.frameSteps;
    if (steps === null) return;
    this.frameSteps = null;
    this.watch.mark(() => this.pace.measure(steps, performance.now() - this.frameStart));
  }

  private compile(): void {
    const { model, gl } = this;
    if (!model || gl.isContextLost()) return;
    const { programs } = this.resources;
    const text = stepShader(model);
    let shader = programs.get(text);
    if (!shader) {
      shader = Shader.compile(gl, text, NO_FRAGMENTS, ["newState", "newOutcome"]);
      programs.set(text, shader);
      for (const [oldest, other] of programs) {
        if (programs.size <= PROGRAMS) break;
        gl.deleteProgram(other.program);
        programs.delete(oldest);
      }
    }
    if (shader !== this.stepper) this.pace.reset();
    this.stepper = shader;
  }

  // -------------------------------------------------------------- pictures

  private drawBasins(view: View, isUnderParticles: boolean): void {
    const { gl, grid } = this;
    const { basins, picture, outcomes, nothing } = this.resources;
    if (!grid) return;
    gl.activeTexture(gl.TEXTURE1);
    gl.bindTexture(gl.TEXTURE_2D, picture);
    if (this.textureIsOld) {
      gl.bindBuffer(gl.PIXEL_UNPACK_BUFFER, outcomes[this.front]);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, grid.columns, grid.rows, 0, gl.RGBA, gl.FLOAT, 0);
      gl.bindBuffer(gl.PIXEL_UNPACK_BUFFER, null);
      this.textureIsOld = false;
    }
    gl.useProgram(basins.program);
    const [[left, right], [bottom, top]] = grid.view;
    gl.uniform4f(basins.at("start"), left, bottom, right - left, top - bottom);
    this.setView(basins, view);
    gl.uniform2f(basins.at("pixels"), this.canvas.width, this.canvas.height);
    gl.uniform1f(basins.at("alpha"), isUnderParticles ? PICTURE.basinsUnderParticles : PICTURE.basins);
    gl.uniform1i(basins.at("palette"), 0);
    gl.uniform1i(basins.at("outcomes"), 1);
    gl.bindVertexArray(nothing);
    gl.drawArrays(gl.TRIANGLES, 0, 3);
    gl.bindVertexArray(null);
  }

  private drawParticles(view: View): void {
    const { gl } = this;
    const { particles, arrays } = this.resources;
    gl.useProgram(particles.program);
    this.setView(particles, view);
    gl.uniform1f(particles.at("size"), PICTURE.size * this.pixelRatio);
    gl.uniform1f(particles.at("alpha"), PICTURE.alpha);
    gl.uniform1i(particles.at("palette"), 0);
    gl.bindVertexArray(arrays[this.front]);
    gl.drawArrays(gl.POINTS, 0, this.count);
    gl.bindVertexArray(null);
  }

  private setView(shader: Shader, [[left, right], [bottom, top]]: View): void {
    this.gl.uniform4f(shader.at("view"), left, bottom, right - left, top - bottom);
  }

  private setPalette(colours: OutcomeColours): void {
    const { gl } = this;
    const all = [...colours.points, colours.undecided, colours.left].map(rgb);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.resources.palette);
    const bytes = Uint8Array.from(all.flatMap((colour) => [...colour, 255]));
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA8, all.length, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, bytes);
  }

  private setTable(): void {
    const { gl } = this;
    this.table = nearestPoints(this.points, this.model!.lr);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.resources.nearest);
    const { size, cells } = this.table;
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA32F, size, size, 0, gl.RGBA, gl.FLOAT, cells);
  }

  // -------------------------------------------------------------- what lives on the GPU

  private build(): void {
    const { gl } = this;
    const two = <T>(make: () => T): [T, T] => [make(), make()];
    const [states, outcomes] = [two(() => gl.createBuffer()), two(() => gl.createBuffer())];
    const arrays = two(() => gl.createVertexArray());
    const feedbacks = two(() => gl.createTransformFeedback());
    for (const side of [0, 1] as const) {
      gl.bindVertexArray(arrays[side]);
      [states[side], outcomes[side]].forEach((buffer, place) => {
        gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
        gl.enableVertexAttribArray(place);
        gl.vertexAttribPointer(place, 4, gl.FLOAT, false, 0, 0);
      });
      gl.bindVertexArray(null);
      gl.bindBuffer(gl.ARRAY_BUFFER, null);
    }
    this.resources = {
      states,
      outcomes,
      arrays,
      feedbacks,
      nothing: gl.createVertexArray(),
      nearest: table(gl),
      palette: table(gl),
      picture: table(gl),
      particles: Shader.compile(gl, PARTICLES.vertex, PARTICLES.fragment),
      basins: Shader.compile(gl, BASINS.vertex, BASINS.fragment),
      programs: new Map(),
    };
  }

  /** Buffers for all particles. */
  private allocate(): void {
    const { gl } = this;
    const { states, outcomes, feedbacks } = this.resources;
    for (const side of [0, 1] as const) {
      for (const buffer of [states[side], outcomes[side]]) {
        gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
        gl.bufferData(gl.ARRAY_BUFFER, 16 * this.count, gl.DYNAMIC_COPY);
      }
    }
    gl.bindBuffer(gl.ARRAY_BUFFER, null);
    for (const side of [0, 1] as const) {
      const other = 1 - side;
      gl.bindTransformFeedback(gl.TRANSFORM_FEEDBACK, feedbacks[side]);
      gl.bindBufferBase(gl.TRANSFORM_FEEDBACK_BUFFER, 0, states[other]!);
      gl.bindBufferBase(gl.TRANSFORM_FEEDBACK_BUFFER, 1, outcomes[other]!);
      gl.bindTransformFeedback(gl.TRANSFORM_FEEDBACK, null);
    }
    this.pace.reset();
  }

  private read(buffer: WebGLBuffer): Float32Array {
    const { gl } = this;
    if (this.begins && this.stepper?.ready()) this.take(0);
    const numbers = new Float32Array(4 * this.count);
    gl.bindBuffer(gl.COPY_READ_BUFFER, buffer);
    gl.getBufferSubData(gl.COPY_READ_BUFFER, 0, numbers);
    gl.bindBuffer(gl.COPY_READ_BUFFER, null);
    this.watch.clear(); // nothing is left to wait for
    return numbers;
  }

  private readonly onLost = (event: Event): void => {
    event.preventDefault(); // asks the browser to give the context back
    this.watch.clear();
  };

  private readonly onRestored = (): void => {
    this.build();
    this.stepper = null;
    if (this.grid) this.allocate();
    if (this.model) this.setTable();
    this.compile();
    this.steps = 0;
    this.begins = true;
    this.lastPicture = "";
  };
}

/** Whether two models differ in numbers alone, so that they have one program. */
function hasSameText(a: Model, b: Model): boolean {
  const parts = ["landscape", "method", "variant", "step", "coupling"] as const;
  return parts.every((part) => a[part] === b[part]) && a.deviation > 0 === b.deviation > 0;
}

/** F at points in single precision as the GPU computes it: two numbers per point. For tests. */
export function evaluateOnGpu(
  landscape: Landscape,
  variant: Variant,
  parameters: readonly { name: string; value: number }[],
  points: Float32Array,
): Float32Array {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) throw new Error("the browser has no WebGL2");
  const names = parameters.map((parameter) => parameter.name);
  const values = parameters.map((parameter) => parameter.value);
  const text = fieldShader(landscape, variant.field32, names);
  const shader = Shader.compile(gl, text, NO_FRAGMENTS, ["result"]);
  shader.ready(true);
  gl.useProgram(shader.program);
  if (parameters.length) gl.uniform1fv(shader.at("parameters"), values);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, points, gl.STATIC_DRAW);
  const place = gl.getAttribLocation(shader.program, "point");
  gl.enableVertexAttribArray(place);
  gl.vertexAttribPointer(place, 2, gl.FLOAT, false, 0, 0);
  gl.bindTransformFeedback(gl.TRANSFORM_FEEDBACK, gl.createTransformFeedback());
  const results = gl.createBuffer();
  gl.bindBufferBase(gl.TRANSFORM_FEEDBACK_BUFFER, 0, results);
  gl.bufferData(gl.TRANSFORM_FEEDBACK_BUFFER, 4 * points.length, gl.STATIC_READ);
  gl.enable(gl.RASTERIZER_DISCARD);
  gl.beginTransformFeedback(gl.POINTS);
  gl.drawArrays(gl.POINTS, 0, points.length / 2);
  gl.endTransformFeedback();
  const numbers = new Float32Array(points.length);
  gl.getBufferSubData(gl.TRANSFORM_FEEDBACK_BUFFER, 0, numbers);
  gl.getExtension("WEBGL_lose_context")?.loseContext(); // gives back the memory at once
  return numbers;
}
