import type { CriticalPoint, Model, Settings, Verdict } from "../types";
/** Returns what the model does near a critical point. */
export function verdict(on: Model, point: CriticalPoint, view: Settings["view"]): Verdict {
  throw new Error(String([on, point, view]));
}
