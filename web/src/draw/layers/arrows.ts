/** The direction −F in which the method moves. */
import { atPoints } from "../../model";
import type { Model } from "../../types";
import type { Transform } from "../transform";

const SPACING = 40; // CSS pixels from one arrow to the next
const LENGTH = 22;
const HEAD = 6;
const SHADES = 5; // arrows are grouped by size, and each group has one opacity
const OPACITY = [0.18, 0.8] as const;

/** Draws arrows of one length, the fainter the smaller F is against its median over the picture. */
export function drawArrows(context: CanvasRenderingContext2D, model: Model, to: Transform, colour: string): void {
  const columns = Math.max(1, Math.floor(to.width / SPACING));
  const rows = Math.max(1, Math.floor(to.height / SPACING));
  const count = columns * rows;
  const [x, y] = [new Float64Array(count), new Float64Array(count)];
  const pixel = (i: number): [number, number] => [
    (((i % columns) + 0.5) / columns) * to.width,
    ((Math.floor(i / columns) + 0.5) / rows) * to.height,
  ];
  for (let i = 0; i < count; i++) [x[i], y[i]] = to.point(...pixel(i));
  const [fx, fy] = atPoints(model.variant.field, model, x, y) as [Float64Array, Float64Array];
  const sizes = fx.map((value, i) => Math.hypot(value, fy[i]!));
  const sorted = sizes.filter(Number.isFinite).sort();
  const median = sorted[Math.floor(sorted.length / 2)] || 1;
  const paths = Array.from({ length: SHADES }, () => new Path2D());
  const [right, up] = [to.x(1) - to.x(0), to.y(0) - to.y(1)]; // pixels per unit
  for (let i = 0; i < count; i++) {
    const [dx, dy] = [-fx[i]! * right, fy[i]! * up];
    const length = Math.hypot(dx, dy);
    if (!(length > 0 && length < Infinity)) continue;
    const shade = Math.min(SHADES - 1, Math.floor((sizes[i]! / (sizes[i]! + median)) * SHADES));
    arrow(paths[shade]!, pixel(i), dx / length, dy / length);
  }
  context.strokeStyle = colour;
  context.lineWidth = 1.2;
  context.lineCap = "round";
  paths.forEach((path, shade) => {
    context.globalAlpha = OPACITY[0] + (shade / (SHADES - 1)) * (OPACITY[1] - OPACITY[0]);
    context.stroke(path);
  });
  context.globalAlpha = 1;
}

function arrow(path: Path2D, [x, y]: [number, number], dx: number, dy: number): void {
  const [tipX, tipY] = [x + (dx * LENGTH) / 2, y + (dy * LENGTH) / 2];
  path.moveTo(x - (dx * LENGTH) / 2, y - (dy * LENGTH) / 2);
  path.lineTo(tipX, tipY);
  for (const side of [-1, 1]) {
    path.moveTo(tipX, tipY);
    path.lineTo(tipX - HEAD * (dx * 0.85 + side * dy * 0.5), tipY - HEAD * (dy * 0.85 - side * dx * 0.5));
  }
}
