/** Where particles start: one in each cell of a grid over the view, in rows from the bottom. */
import type { View } from "../draw/transform";

export interface Grid {
  view: View;
  columns: number;
  rows: number;
}

/** Makes a grid of about `count` cells that are square on the canvas. */
export function makeGrid(view: View, count: number, width: number, height: number): Grid {
  const aspect = Math.max(width, 1) / Math.max(height, 1);
  const columns = Math.max(1, Math.round(Math.sqrt(count * aspect)));
  return { view, columns, rows: Math.max(1, Math.round(count / columns)) };
}
