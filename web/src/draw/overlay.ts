/** The picture above the particles: contours, field, axes, critical points, trap, runs. */
import type { CriticalPoint, Model, Point, Run, Verdict } from "../types";
import type { Theme } from "./theme";
import type { View } from "./transform";

/** All that the overlay shows. */
export interface Scene {
  view: View;
  theme: Theme;
  model: Model;
  points: readonly CriticalPoint[];
  /** One per critical point. */
  verdicts: readonly Verdict[];
  /** Colours of the markers, one per critical point. */
  markers: readonly string[];
  contours: boolean;
  field: boolean;
  start: Point | null;
  run: Run | null;
  pinned: Run | null;
  /** The iterate whose perturbed point is drawn; null for the last one. */
  current: number | null;
}

export class Overlay {
  /** Milliseconds that each layer took when it was last drawn. */
  readonly milliseconds: Record<string, number> = {};

  constructor(readonly canvas: HTMLCanvasElement) {}

  resize(_width: number, _height: number, _pixelRatio: number): void {}

  draw(_scene: Scene): void {}
}
