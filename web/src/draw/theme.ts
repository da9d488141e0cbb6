/** Colours of the picture, light and dark. Hues are Okabe and Ito's, which colour-blind readers can tell apart. */
import type { CriticalPoint, OutcomeColours, Role } from "../types";

export interface Theme {
  background: string;
  /** Axes, labels, outlines. */
  ink: string;
  contour: string;
  arrow: string;
  iterates: string;
  flow: string;
  perturbed: string;
  pinned: string;
  trap: string;
  undecided: string;
  left: string;
  roles: Readonly<Record<Role, string>>;
  /** Outcomes at minima, one after the other. */
  minima: readonly string[];
  /** Outcomes at all other critical points: shades of one hue, which says that a particle stays where it should not. */
  traps: readonly string[];
}

export const LIGHT: Theme = {
  background: "#ffffff",
  ink: "#1b1b1b",
  contour: "rgba(0, 0, 0, 0.30)",
  arrow: "#333333",
  iterates: "#000000",
  flow: "#c2571a",
  perturbed: "#CC3D8A",
  pinned: "#6e6e6e",
  trap: "#8f3a70",
  undecided: "#6f7a84",
  left: "#e6e4df",
  roles: { attractor: "#0072B2", saddle: "#E69F00", repeller: "#D55E00", holds: "#CC79A7", neutral: "#999999" },
  minima: ["#0072B2", "#56B4E9", "#009E73", "#F0E442"],
  traps: ["#CC79A7", "#8f3a70", "#f2b8d8"],
};

export const DARK: Theme = {
  background: "#14171c",
  ink: "#f0f0f0",
  contour: "rgba(255, 255, 255, 0.26)",
  arrow: "#d0d0d0",
  iterates: "#ffffff",
  flow: "#b5622f",
  perturbed: "#ff8fc8",
  pinned: "#a0a0a0",
  trap: "#e3a3cb",
  undecided: "#9aa7b3",
  left: "#2b2e33",
  roles: { attractor: "#3a9fdc", saddle: "#E69F00", repeller: "#e8702a", holds: "#d990b9", neutral: "#9a9a9a" },
  minima: ["#2f8fce", "#7cc8f2", "#1fb58c", "#F0E442"],
  traps: ["#d990b9", "#b0568f", "#f4c6e0"],
};

const FLAT = 1e-6; // curvature that counts as none

/**
 * The colours of outcomes: minima have hues of their own, all other critical points share one. A point on a curve of
 * minima counts as a minimum.
 */
export function outcomeColours(points: readonly CriticalPoint[], theme: Theme): OutcomeColours {
  const numbers = { minima: 0, traps: 0 };
  const colours = points.map(({ kind, eigenvalues }) => {
    const isMinimum = kind === "minimum" || (kind === "degenerate" && eigenvalues[0] > -FLAT && eigenvalues[1] > FLAT);
    const group = isMinimum ? "minima" : "traps";
    return theme[group][numbers[group]++ % theme[group].length]!;
  });
  return { points: colours, undecided: theme.undecided, left: theme.left, background: theme.background };
}
