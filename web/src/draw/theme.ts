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
  /** Outcomes, one after the other for the critical points. */
  outcomes: readonly string[];
}

export const LIGHT: Theme = {
  background: "#ffffff",
  ink: "#1b1b1b",
  contour: "rgba(0, 0, 0, 0.30)",
  arrow: "#333333",
  iterates: "#000000",
  flow: "#8a2c00",
  perturbed: "#CC3D8A",
  pinned: "#8c8c8c",
  trap: "#8f3a70",
  undecided: "#6f7a84",
  left: "#e6e4df",
  roles: { attractor: "#0072B2", saddle: "#E69F00", repeller: "#D55E00", holds: "#CC79A7", neutral: "#999999" },
  outcomes: ["#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442"],
};

export const DARK: Theme = {
  background: "#14171c",
  ink: "#f0f0f0",
  contour: "rgba(255, 255, 255, 0.26)",
  arrow: "#d0d0d0",
  iterates: "#ffffff",
  flow: "#ffb27d",
  perturbed: "#ff8fc8",
  pinned: "#a0a0a0",
  trap: "#e3a3cb",
  undecided: "#9aa7b3",
  left: "#2b2e33",
  roles: { attractor: "#3a9fdc", saddle: "#E69F00", repeller: "#e8702a", holds: "#d990b9", neutral: "#9a9a9a" },
  outcomes: ["#2f8fce", "#E69F00", "#1fb58c", "#d990b9", "#7cc8f2", "#e8702a", "#F0E442"],
};

/** The colours of outcomes: minima take the first ones, so that they are the same for every method. */
export function outcomeColours(points: readonly CriticalPoint[], theme: Theme): OutcomeColours {
  const order = points.map((_, index) => index);
  order.sort((a, b) => Number(points[a]!.kind !== "minimum") - Number(points[b]!.kind !== "minimum") || a - b);
  const colours = new Array<string>(points.length);
  order.forEach((index, rank) => (colours[index] = theme.outcomes[rank % theme.outcomes.length]!));
  return { points: colours, undecided: theme.undecided, left: theme.left, background: theme.background };
}
