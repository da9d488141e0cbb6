/** How many steps to take per frame, so that the picture stays smooth on a slow machine too. */

const TARGET = 25; // milliseconds of steps per frame, at which 30 frames a second leave some for the picture
const LARGEST = 80; // milliseconds of steps per frame where the picture itself takes long

export class Pace {
  lastMilliseconds = 0;
  private limit = 1;
  private picture = 0;

  /** A new program or another number of particles: the cost of a step is not known. */
  reset(): void {
    this.limit = 1;
  }

  allow(steps: number): number {
    return Math.min(steps, this.limit);
  }

  /** The steps of a frame took this long. Without a GPU, the picture takes longer than many steps, which may take as long. */
  measureSteps(steps: number, milliseconds: number): void {
    this.lastMilliseconds = milliseconds;
    if (steps === 0) return;
    const target = Math.min(Math.max(TARGET, this.picture), LARGEST);
    if (milliseconds > target) this.limit = Math.max(1, Math.floor((steps * target) / milliseconds));
    else if (milliseconds < 0.7 * target && steps >= this.limit) this.limit = Math.ceil(1.5 * this.limit);
  }

  /** The frame, with its picture, took this long. */
  measureFrame(milliseconds: number): void {
    this.picture = milliseconds - this.lastMilliseconds;
    this.lastMilliseconds = milliseconds;
  }
}
