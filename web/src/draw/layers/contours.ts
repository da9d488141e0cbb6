/** Lines of equal loss. */
import { contours } from "d3-contour";
import type { CriticalPoint, Landscape } from "../../types";
import type { Transform } from "../transform";

/** CSS pixels between the points at which the loss is computed: for a picture at rest, and while it moves. */
export const CELL = 4;
export const COARSE_CELL = 10;
const MARGIN = 2; // cells beyond the picture, where d3 closes its lines
// Shares of the picture below each level. Levels by area suit losses over any orders of magnitude; the first few show
// the shape of minima.
const SHARES = [0.004, 0.012, 0.03, 0.07, 0.13, 0.2, 0.28, 0.37, 0.46, 0.55, 0.64, 0.73, 0.82, 0.9, 0.96];
const APART = 0.16; // a level whose share is nearer to a saddle's than this part of it would double the saddle's line

/** The lines as one path in CSS pixels. A line also passes through each saddle. */
export function contourPath(
  landscape: Landscape,
  points: readonly CriticalPoint[],
  to: Transform,
  cell: number,
): Path2D {
  const columns = Math.ceil(to.width / cell) + 2 * MARGIN;
  const rows = Math.ceil(to.height / cell) + 2 * MARGIN;
  const [x, y] = [new Float64Array(columns * rows), new Float64Array(columns * rows)];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = row * columns + column;
      [x[at], y[at]] = to.point((column - MARGIN) * cell, (row - MARGIN) * cell);
    }
  }
  const values = landscape.values(x, y);
  const path = new Path2D();
  // d3 counts from the corner of a cell, and the loss is that of its middle.
  const pixel = (place: number): number => (place - 0.5 - MARGIN) * cell;
  for (const { coordinates } of contours().size([columns, rows]).thresholds(levels(values, points))([...values])) {
    for (const ring of coordinates.flat()) {
      ring.forEach(([column, row], k) => path[k ? "lineTo" : "moveTo"](pixel(column!), pixel(row!)));
    }
  }
  return path;
}

function levels(values: Float64Array, points: readonly CriticalPoint[]): number[] {
  const sorted = values.filter(Number.isFinite).sort();
  if (sorted.length === 0) return [];
  const saddles = points.filter((point) => point.kind === "saddle").map((point) => point.loss);
  const shares = saddles.map((loss) => sorted.findIndex((value) => value >= loss) / sorted.length);
  const byArea = SHARES.filter((share) => shares.every((other) => Math.abs(share - other) > APART * share));
  const levels = byArea.map((share) => sorted[Math.floor(share * (sorted.length - 1))]!);
  return [...new Set([...levels, ...saddles])].sort((a, b) => a - b);
}
