/** How many steps to take per frame, so that the picture stays smooth on a slow machine too. */

const TARGET = 28; // milliseconds per frame, which leave some of the 33 of 30 frames a second
const LARGEST = 80; // milliseconds of steps per frame, where the picture alone takes longer than TARGET
const PERIOD = 40; // of so many frames one has no steps: it tells how long the picture alone takes
const GROWTH = 2; // most by which the steps per frame grow from one frame to the next

export class Pace {
  lastMilliseconds = 0;
  private limit = 1;
  private frames = 0;
  private picture = 0;
  private cost = 0;

  /** A new program or another number of particles: the cost of a step is not known. */
  reset(): void {
    this.limit = 1;
    this.frames = 0;
    this.cost = 0;
  }

  allow(steps: number): number {
    return this.frames++ % PERIOD === 0 ? 0 : Math.min(steps, this.limit);
  }

  /** A frame of so many steps, with its picture, took this long. */
  measure(steps: number, milliseconds: number): void {
    this.lastMilliseconds = milliseconds;
    if (steps === 0) {
      this.picture = milliseconds;
      return;
    }
    const cost = Math.max(0, milliseconds - this.picture) / steps;
    this.cost = this.cost ? 0.7 * this.cost + 0.3 * cost : cost;
    const free = Math.max(TARGET - this.picture, Math.min(this.picture, LARGEST));
    const largest = steps >= this.limit ? GROWTH * steps : this.limit;
    this.limit = Math.max(1, Math.floor(Math.min(largest, free / this.cost)));
  }
}
