/** A landscape from a typed formula. */
import type { Data, Interval, LandscapeData } from "../types";

export function typedLandscape(
  text: string,
  grammar: Data["grammar"],
  box: readonly [Interval, Interval] = [[-3, 3], [-3, 3]],
): LandscapeData {
  throw new Error(text + grammar + box);
}
