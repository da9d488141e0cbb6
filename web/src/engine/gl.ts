/** Small parts of WebGL2: programs with their uniforms, textures, and when the GPU is done. */

/** Places of the attributes that all programs share. */
const ATTRIBUTES = ["state", "outcome"];

export class Shader {
  private readonly places = new Map<string, WebGLUniformLocation | null>();
  private isLinked = false;

  private constructor(
    private readonly gl: WebGL2RenderingContext,
    readonly program: WebGLProgram,
    private readonly parts: readonly WebGLShader[],
  ) {}

  /** Starts to compile. `varyings`: what transform feedback writes. */
  static compile(gl: WebGL2RenderingContext, vertex: string, fragment: string, varyings: string[] = []): Shader {
    const program = gl.createProgram();
    const parts = [part(gl, gl.VERTEX_SHADER, vertex), part(gl, gl.FRAGMENT_SHADER, fragment)];
    for (const one of parts) gl.attachShader(program, one);
    ATTRIBUTES.forEach((name, place) => gl.bindAttribLocation(program, place, name));
    if (varyings.length) gl.transformFeedbackVaryings(program, varyings, gl.SEPARATE_ATTRIBS);
    gl.linkProgram(program);
    return new Shader(gl, program, parts);
  }

  /** Whether the program can be used. Does not wait for the compiler if the browser can tell. Throws its message. */
  ready(waits = false): boolean {
    if (this.isLinked) return true;
    const { gl, program } = this;
    const parallel = gl.getExtension("KHR_parallel_shader_compile");
    if (parallel && !waits && !gl.getProgramParameter(program, parallel.COMPLETION_STATUS_KHR)) return false;
    if (!gl.getProgramParameter(program, gl.LINK_STATUS) && !gl.isContextLost()) {
      const logs = [...this.parts.map((one) => gl.getShaderInfoLog(one)), gl.getProgramInfoLog(program)];
      throw new Error(`the GPU's compiler refused a program: ${logs.filter(Boolean).join("\n")}`);
    }
    for (const one of this.parts) gl.deleteShader(one);
    this.isLinked = true;
    return true;
  }

  at(name: string): WebGLUniformLocation | null {
    let place = this.places.get(name);
    if (place === undefined) this.places.set(name, (place = this.gl.getUniformLocation(this.program, name)));
    return place;
  }
}

function part(gl: WebGL2RenderingContext, type: number, text: string): WebGLShader {
  const shader = gl.createShader(type)!;
  gl.shaderSource(shader, text);
  gl.compileShader(shader);
  return shader;
}

/** A texture that is read cell by cell. */
export function table(gl: WebGL2RenderingContext): WebGLTexture {
  const texture = gl.createTexture();
  gl.bindTexture(gl.TEXTURE_2D, texture);
  for (const name of [gl.TEXTURE_MIN_FILTER, gl.TEXTURE_MAG_FILTER]) gl.texParameteri(gl.TEXTURE_2D, name, gl.NEAREST);
  for (const name of [gl.TEXTURE_WRAP_S, gl.TEXTURE_WRAP_T]) gl.texParameteri(gl.TEXTURE_2D, name, gl.CLAMP_TO_EDGE);
  return texture;
}

const POLL = 2; // milliseconds between questions whether the GPU is done

/** Tells when the GPU is done with all work up to the last mark. */
export class Watch {
  private sync: WebGLSync | null = null;

  constructor(private readonly gl: WebGL2RenderingContext) {}

  /** Whether work from before the last mark goes on. */
  get isBusy(): boolean {
    return this.sync !== null;
  }

  /** Calls `done` once the GPU has done all that it was told so far; only the last mark counts. */
  mark(done: () => void): void {
    this.clear();
    const sync = this.gl.fenceSync(this.gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    if (!sync) return;
    this.gl.flush();
    this.sync = sync;
    const poll = (): void => {
      if (this.sync !== sync) return;
      if (this.gl.isContextLost()) this.clear();
      else if (this.gl.getSyncParameter(sync, this.gl.SYNC_STATUS) === this.gl.SIGNALED) {
        this.clear();
        done();
      } else setTimeout(poll, POLL);
    };
    setTimeout(poll, 0);
  }

  clear(): void {
    if (this.sync) this.gl.deleteSync(this.sync);
    this.sync = null;
  }
}
