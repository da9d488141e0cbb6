/** Ticks and names of the coordinates along the lower and the left edge, inside the picture. */
import { scaleLinear } from "d3-scale";
import type { Theme } from "../theme";
import type { Transform } from "../transform";

const TICK = 5; // CSS pixels
const PIXELS_PER_TICK = 90;
const FONT = "12px system-ui, sans-serif";
const NAME_FONT = "italic 14px Georgia, 'Times New Roman', serif";
const EDGE = 26; // labels nearer to a corner than this would meet those of the other axis

export function drawAxes(
  context: CanvasRenderingContext2D,
  names: readonly [string, string],
  to: Transform,
  theme: Theme,
): void {
  const { width, height, view } = to;
  context.font = FONT;
  const write = (text: string, x: number, y: number): void => {
    context.lineWidth = 3;
    context.lineJoin = "round";
    context.strokeStyle = theme.background;
    context.strokeText(text, x, y);
    context.fillStyle = theme.ink;
    context.fillText(text, x, y);
  };
  const ticks = new Path2D();
  const across = scaleLinear(view[0], [0, width]);
  const number = Math.max(2, Math.round(width / PIXELS_PER_TICK));
  const acrossText = across.tickFormat(number);
  context.textAlign = "center";
  context.textBaseline = "bottom";
  for (const value of across.ticks(number)) {
    const x = Math.round(across(value)) + 0.5;
    ticks.moveTo(x, height);
    ticks.lineTo(x, height - TICK);
    if (x > EDGE + 10 && x < width - EDGE) write(acrossText(value), x, height - TICK - 2);
  }
  const upwards = scaleLinear(view[1], [height, 0]);
  const upNumber = Math.max(2, Math.round(height / PIXELS_PER_TICK));
  const upText = upwards.tickFormat(upNumber);
  context.textAlign = "left";
  context.textBaseline = "middle";
  for (const value of upwards.ticks(upNumber)) {
    const y = Math.round(upwards(value)) + 0.5;
    ticks.moveTo(0, y);
    ticks.lineTo(TICK, y);
    if (y > EDGE && y < height - EDGE) write(upText(value), TICK + 4, y);
  }
  context.strokeStyle = theme.ink;
  context.lineWidth = 1;
  context.stroke(ticks);
  context.font = NAME_FONT;
  context.textAlign = "right";
  context.textBaseline = "bottom";
  write(names[0], width - 8, height - TICK - 1);
  context.textAlign = "left";
  context.textBaseline = "top";
  write(names[1], TICK + 4, 6);
}
