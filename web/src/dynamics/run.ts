import type { Model, Point, Run } from "../types";
/** Returns the run of the iterates and of the flow from a start. */
export function run(on: Model, start: Point, steps: number): Run {
  throw new Error(String([on, start, steps]));
}
