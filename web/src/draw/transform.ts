/** From the coordinates of the landscape to CSS pixels of the picture, and back. y grows upwards. */
import type { Interval, Point, Settings } from "../types";

export type View = Settings["view"];

/** Wider than this, a box of the landscape is shown as it is: its axes have scales of their own. */
const LARGEST_ASPECT = 4;

export class Transform {
  constructor(
    readonly view: View,
    readonly width: number,
    readonly height: number,
  ) {}

  x(x: number): number {
    const [low, high] = this.view[0];
    return ((x - low) / (high - low)) * this.width;
  }

  y(y: number): number {
    const [low, high] = this.view[1];
    return ((high - y) / (high - low)) * this.height;
  }

  /** The point under a pixel. */
  point(px: number, py: number): Point {
    const [[left, right], [bottom, top]] = this.view;
    return [left + (px / this.width) * (right - left), top - (py / this.height) * (top - bottom)];
  }
}

/** The view that shows all of a box, with the same scale on both axes unless one side is far longer. */
export function fitView(box: View, width: number, height: number): View {
  const sides = box.map(([low, high]) => high - low) as [number, number];
  if (Math.max(sides[0] / sides[1], sides[1] / sides[0]) > LARGEST_ASPECT) return box;
  const unit = Math.max(sides[0] / width, sides[1] / height);
  const grow = ([low, high]: Interval, side: number): Interval => {
    const middle = (low + high) / 2;
    return [middle - side / 2, middle + side / 2];
  };
  return [grow(box[0], unit * width), grow(box[1], unit * height)];
}
