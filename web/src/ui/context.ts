import { useEffect, useReducer } from "preact/hooks";
import type { Explorer } from "./explorer";

/** Renders the component again whenever the explorer changes. */
export function useExplorer(explorer: Explorer): Explorer {
  const [, changed] = useReducer((count: number, _: void) => count + 1, 0);
  useEffect(() => explorer.subscribe(() => changed()), [explorer]);
  return explorer;
}
