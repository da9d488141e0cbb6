/** The colours of critical points: those that hold runs have the colour of their basin, the others that of their role. */
import type { Theme } from "../draw/theme";
import type { CriticalPoint, OutcomeColours, Verdict } from "../types";

// Okabe and Ito's colours without orange and vermillion, which mark points that runs leave.
const MINIMA = {
  light: ["#0072B2", "#56B4E9", "#009E73", "#F0E442"],
  dark: ["#2f8fce", "#7cc8f2", "#1fb58c", "#F0E442"],
};
const OTHERS = { light: ["#CC79A7", "#8F3A70", "#F2B8D8"], dark: ["#d990b9", "#b0568f", "#f4c6e0"] };

/** One colour per point: of its basin, and of particles that stay at it. Minima and others have hues of their own. */
export function outcomeColours(points: readonly CriticalPoint[], theme: Theme, dark: boolean): OutcomeColours {
  const shade = dark ? "dark" : "light";
  let [minima, others] = [0, 0];
  const colours = points.map(({ kind }) => {
    const [all, rank] = kind === "minimum" ? [MINIMA[shade], minima++] : [OTHERS[shade], others++];
    return all[rank % all.length]!;
  });
  return { points: colours, undecided: theme.undecided, left: theme.left, background: theme.background };
}

export function markerColour(verdict: Verdict, outcome: string, theme: Theme): string {
  return verdict.role === "attractor" || verdict.role === "holds" ? outcome : theme.roles[verdict.role];
}
