/** How both engines draw, and what they count. */
import { LEFT } from "../types";

export const PICTURE = {
  size: 1.5, // side of a particle, in CSS pixels
  alpha: 0.6, // opacity of a particle
  basins: 0.62, // and of the basins, so that contours and markers stand out on them
  basinsUnderParticles: 0.36,
};

/** "#rrggbb" as bytes. */
export function rgb(colour: string): [number, number, number] {
  const all = /^#([0-9a-f]{6})$/i.exec(colour);
  if (!all) throw new Error(`colour ${JSON.stringify(colour)}: must be "#rrggbb"`);
  const number = parseInt(all[1]!, 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** Shares of outcomes, [points…, undecided, left]. A particle whose dwell time has not passed is undecided. */
export function countShares(outcomes: ArrayLike<number>, points: number): number[] {
  const counts = new Array<number>(points + 2).fill(0);
  const count = outcomes.length / 4;
  for (let i = 0; i < outcomes.length; i += 4) {
    const which = outcomes[i]!;
    if (which === LEFT) counts[points + 1]!++;
    else if (which >= 0 && which < points && outcomes[i + 1]! >= 1) counts[which]!++;
    else counts[points]!++;
  }
  return counts.map((number) => (count ? number / count : 0));
}

/** Sets the size of a canvas in device pixels. Setting the same size again would erase it. */
export function setSize(canvas: HTMLCanvasElement, width: number, height: number, pixelRatio: number): void {
  const size = [width, height].map((side) => Math.max(1, Math.round(side * pixelRatio)));
  if (canvas.width !== size[0]) canvas.width = size[0]!;
  if (canvas.height !== size[1]) canvas.height = size[1]!;
}
