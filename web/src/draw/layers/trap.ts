/**
 * Where a method without a Jacobian leads particles back to a saddle: less than `trap` away along the direction in
 * which gradient descent leaves. It is a band, drawn near the point only, for it is a statement about its surroundings;
 * around a maximum, which gradient descent leaves in any direction, it is a disc.
 */
import type { CriticalPoint, Point, Verdict } from "../../types";
import type { Theme } from "../theme";
import type { Transform } from "../transform";

const LENGTH = 0.16; // of the band on each side, over the smaller side of the picture
const DASHES = [6, 4];

export function drawTraps(
  context: CanvasRenderingContext2D,
  points: readonly CriticalPoint[],
  verdicts: readonly Verdict[],
  to: Transform,
  theme: Theme,
): void {
  context.lineWidth = 1.8;
  points.forEach((point, i) => {
    const trap = verdicts[i]?.trap;
    if (!trap || !Number.isFinite(trap) || point.eigenvalues[0] >= 0) return;
    const pixel = ([x, y]: Point, [dx, dy]: Point, size: number): Point => [to.x(x + size * dx), to.y(y + size * dy)];
    const [escape, along] = point.eigenvectors;
    context.setLineDash(DASHES);
    if (point.eigenvalues[1] < 0) {
      const [right, up] = [to.x(trap) - to.x(0), to.y(0) - to.y(trap)];
      context.beginPath();
      context.ellipse(to.x(point.w[0]), to.y(point.w[1]), right, up, 0, 0, 2 * Math.PI);
      context.strokeStyle = theme.trap;
      context.stroke();
    } else {
      const [x, y] = pixel(point.w, along, 1);
      const unit = Math.hypot(x - to.x(point.w[0]), y - to.y(point.w[1]));
      const length = (LENGTH * Math.min(to.width, to.height)) / unit;
      const ends = [-length, length].map((size) => pixel(point.w, along, size)) as [Point, Point];
      const fade = (opacity: number): CanvasGradient => {
        const gradient = context.createLinearGradient(...ends[0], ...ends[1]);
        const colour = `${theme.trap}${Math.round(255 * opacity).toString(16).padStart(2, "0")}`; // prettier-ignore
        gradient.addColorStop(0, `${theme.trap}00`);
        gradient.addColorStop(0.3, colour);
        gradient.addColorStop(0.7, colour);
        gradient.addColorStop(1, `${theme.trap}00`);
        return gradient;
      };
      const corner = (side: number, end: number): Point => {
        const w: Point = [point.w[0] + side * trap * escape[0], point.w[1] + side * trap * escape[1]];
        return pixel(w, along, end * length);
      };
      context.beginPath();
      for (const end of [-1, 1]) context.lineTo(...corner(-1, end));
      for (const end of [1, -1]) context.lineTo(...corner(1, end));
      context.fillStyle = fade(0.16);
      context.fill();
      context.strokeStyle = fade(1);
      for (const side of [-1, 1]) {
        context.beginPath();
        context.moveTo(...corner(side, -1));
        context.lineTo(...corner(side, 1));
        context.stroke();
      }
    }
    context.setLineDash([]);
  });
}
