/** The engine that this browser can run. */
import type { Engine } from "../types";

/** Engine with what it tells of its pace. */
export interface PacedEngine extends Engine {
  /** Take up to `steps` steps: fewer while the machine is too slow for a smooth picture. Returns how many it took. */
  advance(steps: number): number;
  /** Milliseconds that the last call of advance took, on the GPU if there is one. */
  readonly lastMilliseconds: number;
  /** Steps that the particles have taken since they started. */
  readonly steps: number;
}

/** `renderer`: "javascript" asks for the engine without WebGL2. */
export function createEngine(canvas: HTMLCanvasElement, renderer: "any" | "javascript" = "any"): PacedEngine {
  throw new Error(`to come: ${renderer} ${canvas.width}`);
}
