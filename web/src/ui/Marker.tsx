/** The markers of the picture, for the table and the legend. */
import type { Kind } from "../types";

const PATHS: Readonly<Record<Kind, string>> = {
  minimum: "M8 2 A6 6 0 1 1 7.99 2 Z",
  saddle: "M8 1 L15 8 L8 15 L1 8 Z",
  maximum: "M8 2 L15 14 L1 14 Z",
  degenerate: "M3 3 H13 V13 H3 Z",
};

export function Marker({ kind, colour, outline }: { kind: Kind; colour: string; outline: string }) {
  return (
    <svg class="marker" viewBox="0 0 16 16" width="16" height="16" role="img" aria-label={kind}>
      <path d={PATHS[kind]} fill={colour} stroke={outline} stroke-width="1.2" stroke-linejoin="round" />
    </svg>
  );
}
