/** Critical points: the shape tells what they are for the loss, the colour what they are for the method. */
import type { CriticalPoint, Kind } from "../../types";
import type { Transform } from "../transform";

const RADIUS = 8; // CSS pixels

export function drawPoints(
  context: CanvasRenderingContext2D,
  points: readonly CriticalPoint[],
  colours: readonly string[],
  to: Transform,
): void {
  points.forEach((point, i) => {
    const path = marker(point.kind, to.x(point.w[0]), to.y(point.w[1]));
    // A dark line in a light one can be seen on any background.
    context.lineJoin = "round";
    context.strokeStyle = "#ffffff";
    context.lineWidth = 5;
    context.stroke(path);
    context.strokeStyle = "#111111";
    context.lineWidth = 2.5;
    context.stroke(path);
    context.fillStyle = colours[i]!;
    context.fill(path);
  });
}

/** The shape of a critical point; also for the page's legend. */
export function marker(kind: Kind, x: number, y: number, radius = RADIUS): Path2D {
  const path = new Path2D();
  if (kind === "minimum") path.arc(x, y, 0.9 * radius, 0, 2 * Math.PI);
  else if (kind === "degenerate") path.rect(x - 0.8 * radius, y - 0.8 * radius, 1.6 * radius, 1.6 * radius);
  else {
    const corners = kind === "saddle" ? 4 : 3;
    for (let k = 0; k < corners; k++) {
      const angle = (2 * Math.PI * k) / corners - Math.PI / 2;
      const size = corners === 3 ? 1.15 * radius : 1.1 * radius;
      path[k ? "lineTo" : "moveTo"](x + size * Math.cos(angle), y + size * Math.sin(angle));
    }
  }
  path.closePath();
  return path;
}
