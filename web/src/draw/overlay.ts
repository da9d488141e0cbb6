/** The picture above the particles: contours, field, trap, axes, runs, critical points. */
import type { CriticalPoint, Model, Point, Run, Verdict } from "../types";
import { setSize } from "../engine/picture";
import { drawArrows } from "./layers/arrows";
import { drawAxes } from "./layers/axes";
import { CELL, COARSE_CELL, contourPath } from "./layers/contours";
import { drawPoints } from "./layers/points";
import { drawFlow, drawIterates, drawPerturbed, drawPinned, drawStart } from "./layers/run";
import { drawTraps } from "./layers/trap";
import type { Theme } from "./theme";
import { Transform, type View } from "./transform";

const SLOW = 5; // milliseconds; contours that take longer are coarse while the view moves
const REST = 150; // milliseconds without a change of the view, after which they are made fine

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

/** A canvas that is drawn anew only if what it shows changed. */
class Layer {
  readonly canvas = document.createElement("canvas");
  private shown: readonly unknown[] = [];

  draw(
    like: HTMLCanvasElement,
    pixelRatio: number,
    shows: readonly unknown[],
    draw: (context: CanvasRenderingContext2D) => void,
  ): void {
    const all = [like.width, like.height, pixelRatio, ...shows];
    if (all.length === this.shown.length && all.every((value, k) => Object.is(value, this.shown[k]))) return;
    this.shown = all;
    this.canvas.width = like.width; // erases it
    this.canvas.height = like.height;
    const context = this.canvas.getContext("2d")!;
    context.scale(pixelRatio, pixelRatio);
    draw(context);
  }
}

export class Overlay {
  /** Milliseconds that each layer took when it was last drawn. */
  readonly milliseconds: Record<string, number> = {};
  private readonly context: CanvasRenderingContext2D;
  private readonly contours = new Layer();
  private readonly arrows = new Layer();
  private fineTime = 0;
  private timer = 0;
  private scene: Scene | null = null;
  private width = 1;
  private height = 1;
  private pixelRatio = 1;

  constructor(readonly canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d");
    if (!context) throw new Error("the browser has no canvas");
    this.context = context;
  }

  resize(width: number, height: number, pixelRatio: number): void {
    [this.width, this.height, this.pixelRatio] = [width, height, pixelRatio];
    setSize(this.canvas, width, height, pixelRatio);
  }

  draw(scene: Scene): void {
    const before = this.scene;
    this.scene = scene;
    const hasMoved = before !== null && before.view !== scene.view && before.model.landscape === scene.model.landscape;
    if (hasMoved && this.fineTime > SLOW) {
      clearTimeout(this.timer);
      this.timer = window.setTimeout(() => {
        this.timer = 0;
        this.draw(this.scene!);
      }, REST);
    }
    this.paint(scene, this.timer ? COARSE_CELL : CELL);
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private paint(scene: Scene, cell: number): void {
    const { canvas, context, pixelRatio } = this;
    const { model, points, theme, verdicts } = scene;
    const to = new Transform(scene.view, this.width, this.height);
    const view = scene.view.flat();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (scene.contours) {
      this.time("contours", () => {
        this.contours.draw(canvas, pixelRatio, [...view, model.landscape, points, theme, cell], (on) => {
          const start = performance.now();
          on.strokeStyle = theme.contour;
          on.lineWidth = 1;
          on.stroke(contourPath(model.landscape, points, to, cell));
          if (cell === CELL) this.fineTime = performance.now() - start;
        });
        context.drawImage(this.contours.canvas, 0, 0);
      });
    }
    if (scene.field) {
      const numbers = model.method.parameters.map(({ name }) => model.parameters[name]);
      this.time("field", () => {
        this.arrows.draw(canvas, pixelRatio, [...view, ...numbers, model.landscape, model.variant, theme], (on) =>
          drawArrows(on, model, to, theme.arrow),
        );
        context.drawImage(this.arrows.canvas, 0, 0);
      });
    }
    context.scale(pixelRatio, pixelRatio);
    this.time("trap", () => drawTraps(context, points, verdicts, to, theme));
    this.time("axes", () => drawAxes(context, model.landscape.coordinates, to, theme));
    this.time("runs", () => {
      // A run to compare often goes the way of the flow, which must not hide it.
      if (scene.run) drawFlow(context, scene.run, to, theme);
      if (scene.pinned) drawPinned(context, scene.pinned, to, theme);
      if (scene.run) drawIterates(context, scene.run, to, theme);
    });
    this.time("points", () => drawPoints(context, points, scene.markers, to));
    if (scene.run) drawPerturbed(context, scene.run, scene.current, to, theme);
    if (scene.start) drawStart(context, scene.start, to, theme);
  }

  private time(layer: string, draw: () => void): void {
    const start = performance.now();
    draw();
    this.milliseconds[layer] = performance.now() - start;
  }
}
