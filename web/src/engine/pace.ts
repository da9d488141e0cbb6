/** How many steps to take per frame, so that the picture stays smooth on a slow machine too. */

const TARGET = 28; // milliseconds per frame, which leave some of the 33 of 30 frames a second
const LARGEST = 80; // milliseconds of steps per frame, where the picture alone takes longer than TARGET
const PERIOD = 40; // of so many frames one has no steps: it tells how long the picture alone takes
const CHANGE = 2; // most by which the steps per frame grow or shrink from one frame to the next

/**
 * The steps per frame grow while frames are shorter than they may be, and shrink while they are longer.
 *
 * Only whole frames are compared: on a busy machine the time of a frame varies by more than some steps take, so that
 * what one step takes cannot be told from a difference of two frames.
 */
export class Pace {
  lastMilliseconds = 0;
  private limit = 1;
  private frames = 0;
  private picture = 0;

  /** A new program or another number of particles: the cost of a step is not known. */
  reset(): void {
    this.limit = 1;
    this.frames = 0;
  }

  allow(steps: number): number {
    return this.frames++ % PERIOD === 0 ? 0 : Math.min(steps, Math.floor(this.limit));
  }

  /** A frame of so many steps, with its picture, took this long. */
  measure(steps: number, milliseconds: number): void {
    this.lastMilliseconds = milliseconds;
    if (steps === 0) {
      this.picture = milliseconds;
      return;
    }
    const longest = Math.max(TARGET, this.picture + Math.min(this.picture, LARGEST));
    const change = Math.min(CHANGE, Math.max(1 / CHANGE, longest / milliseconds));
    const isAtLimit = steps >= Math.floor(this.limit);
    if (change < 1 || isAtLimit) this.limit = Math.max(1, change * (isAtLimit ? this.limit : steps));
  }
}
