/** A run: iterates and flow from one start, and the perturbed point of one iterate. */
import type { Point, Run } from "../../types";
import type { Theme } from "../theme";
import type { Transform } from "../transform";

const DOT = 2.4; // radius in CSS pixels
const SMALL_DOT = 0.9; // where dots lie close together, so that they do not hide the flow
const APART = 1; // CSS pixels; a dot nearer to the dot before it is left out
const FAR = 1e5; // CSS pixels; canvases draw wrong lines to places far beyond this

export function drawFlow(context: CanvasRenderingContext2D, run: Run, to: Transform, theme: Theme): void {
  // The flow is wider than the dots, so that it can be seen where dots lie on it.
  line(context, run.flow.x, run.flow.y, to, theme.background, 8);
  line(context, run.flow.x, run.flow.y, to, theme.flow, 5.5);
}

export function drawIterates(context: CanvasRenderingContext2D, run: Run, to: Transform, theme: Theme): void {
  line(context, run.x, run.y, to, theme.iterates, 1);
  dots(context, run, to, theme.iterates, DOT);
}

export function drawPinned(context: CanvasRenderingContext2D, run: Run, to: Transform, theme: Theme): void {
  line(context, run.x, run.y, to, theme.background, 5);
  line(context, run.x, run.y, to, theme.pinned, 2.4);
  dots(context, run, to, theme.pinned, DOT);
}

/** A cross at the perturbed point of an iterate, with a dashed line to it. */
export function drawPerturbed(
  context: CanvasRenderingContext2D,
  run: Run,
  current: number | null,
  to: Transform,
  theme: Theme,
): void {
  const k = Math.min(current ?? run.px.length - 1, run.px.length - 1);
  if (k < 0) return;
  const [x, y] = pixel(run.x[k]!, run.y[k]!, to);
  const [px, py] = pixel(run.px[k]!, run.py[k]!, to);
  if (!Number.isFinite(px + py + x + y)) return;
  for (const [colour, width] of [[theme.background, 4.5], [theme.perturbed, 2]] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.setLineDash(colour === theme.perturbed ? [4, 3] : []);
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(px, py);
    context.stroke();
    context.setLineDash([]);
    context.beginPath();
    for (const side of [-1, 1]) {
      context.moveTo(px - 5, py - 5 * side);
      context.lineTo(px + 5, py + 5 * side);
    }
    context.stroke();
  }
  context.beginPath();
  context.arc(x, y, DOT + 2, 0, 2 * Math.PI);
  context.fillStyle = theme.perturbed;
  context.strokeStyle = theme.background;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
}

export function drawStart(context: CanvasRenderingContext2D, start: Point, to: Transform, theme: Theme): void {
  const [x, y] = pixel(...start, to);
  for (const [colour, width] of [[theme.background, 5], [theme.ink, 2]] as const) {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.stroke();
  }
}

function pixel(x: number, y: number, to: Transform): [number, number] {
  const within = (place: number): number => Math.max(-FAR, Math.min(FAR, place));
  return [within(to.x(x)), within(to.y(y))];
}

function line(
  context: CanvasRenderingContext2D,
  x: Float64Array,
  y: Float64Array,
  to: Transform,
  colour: string,
  width: number,
): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineJoin = "round";
  context.beginPath();
  let before: [number, number] | null = null;
  for (let k = 0; k < x.length; k++) {
    const place = pixel(x[k]!, y[k]!, to);
    if (!Number.isFinite(place[0] + place[1])) break;
    // Thousands of points within one pixel make no other line, only a slower one.
    const isNear = before && Math.hypot(place[0] - before[0], place[1] - before[1]) < 0.3;
    if (isNear && k < x.length - 1) continue;
    context.lineTo(...place);
    before = place;
  }
  context.stroke();
}

function dots(context: CanvasRenderingContext2D, run: Run, to: Transform, colour: string, radius: number): void {
  context.fillStyle = colour;
  context.beginPath();
  let before: [number, number] | null = null;
  for (let k = 0; k < run.x.length; k++) {
    const place = pixel(run.x[k]!, run.y[k]!, to);
    if (!Number.isFinite(place[0] + place[1])) break;
    const step = before ? Math.hypot(place[0] - before[0], place[1] - before[1]) : Infinity;
    if (step < APART) continue;
    const size = Math.min(radius, Math.max(SMALL_DOT, step / 3));
    context.moveTo(place[0] + size, place[1]);
    context.arc(...place, size, 0, 2 * Math.PI);
    before = place;
  }
  context.fill();
}
