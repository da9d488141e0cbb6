/** How many steps to take per frame, so that the picture stays smooth on a slow machine too. */

const TARGET = 28; // milliseconds per frame; longer frames take fewer steps
const FAST = 20; // shorter frames may take more

export class Pace {
  lastMilliseconds = 0;
  private limit = 1;

  /** A new program or another number of particles: the cost of a step is not known. */
  reset(): void {
    this.limit = 1;
  }

  allow(steps: number): number {
    return Math.min(steps, this.limit);
  }

  /** A frame that took `steps` steps took this long. */
  measure(steps: number, milliseconds: number): void {
    this.lastMilliseconds = milliseconds;
    if (steps === 0) return;
    if (milliseconds > TARGET) this.limit = Math.max(1, Math.floor((steps * TARGET) / milliseconds));
    else if (milliseconds < FAST && steps >= this.limit) this.limit *= 2;
  }
}
