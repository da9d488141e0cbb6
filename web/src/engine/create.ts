/** The engine that this browser can run. */
import type { Engine } from "../types";
import { JavaScriptEngine } from "./javascript";
import { WebGLEngine } from "./webgl";

/** Engine with what it tells of its pace. */
export interface PacedEngine extends Engine {
  /**
   * Take up to `steps` steps: fewer while the machine is too slow for a smooth picture, none while the GPU is at work,
   * a program compiles, or a frame measures how long the picture alone takes. Returns how many it took. Call draw
   * after it: the pace is that of whole frames.
   */
  advance(steps: number): number;
  /** Milliseconds that the last frame took, on the GPU if there is one. */
  readonly lastMilliseconds: number;
  /** Whether there is no GPU behind it: some 20,000 particles make a smooth picture. */
  readonly isSoftware: boolean;
  /** Steps that the particles have taken since they started. */
  readonly steps: number;
}

/** `renderer`: "javascript" asks for the engine without WebGL2. A canvas is good for one kind of engine only. */
export function createEngine(canvas: HTMLCanvasElement, renderer: "any" | "javascript" = "any"): PacedEngine {
  // Whether there is WebGL2 is asked of another canvas: one that gave its context away cannot give another kind.
  if (renderer === "any" && hasWebGL2()) return new WebGLEngine(canvas);
  return new JavaScriptEngine(canvas);
}

function hasWebGL2(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  gl?.getExtension("WEBGL_lose_context")?.loseContext();
  return gl !== null;
}
