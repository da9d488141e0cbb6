/**
 * Six clicks that tell the story. Each caption names what the picture shows; its numbers are those of samdyn:
 * thresholds 1/|λ| and s/(c₂|λ|) with c₂ = √(π/8), rests ρ(n − 1 − 2j)/n, and runs that samdyn.simulate confirms.
 */
import { defaults } from "./settings";
import type { Data, Settings } from "./types";

export interface Preset {
  title: string;
  caption: string;
  settings: Settings;
}

type Changes = Partial<Omit<Settings, "parameters" | "pinned">>;

interface Story {
  title: string;
  caption: string;
  formula: string;
  method: string;
  changes: Changes;
  rho?: number;
  pinned?: { changes: Changes; rho?: number };
}

const SADDLE = "x**2 - y**2";
// The same saddle at the origin, λ = ±2, and two minima at y = ±√2, where runs end that leave it.
const SADDLE_AND_MINIMA = "x**2 - y**2 + y**4/4";

const STORIES: readonly Story[] = [
  {
    title: "GD leaves",
    caption: "Gradient descent leaves the saddle of x² − y²: every start runs off along y, the direction with λ = −2.",
    formula: SADDLE,
    method: "GD",
    changes: { lr: 0.01, steps: 500, start: [-3, -0.01], view: [[-3.5, 3.5], [-3.5, 3.5]], basins: false },
  },
  {
    title: "USAM’s threshold",
    caption: "USAM just above the threshold ρ = 1/|λ| = 0.5: the saddle attracts a band of starts. Drag ρ across 0.5 and watch its marker.",
    formula: SADDLE_AND_MINIMA,
    method: "USAM",
    rho: 0.55,
    changes: { lr: 0.02, steps: 1000, start: [-2, 0.2], view: [[-2.5, 2.5], [-2.2, 2.2]] },
  },
  {
    title: "SAM’s trap",
    caption: "SAM has no threshold: at every ρ > 0 the saddle of x² − y² leads back what comes within |y| < ρ. Drag ρ: the trap is as wide.",
    formula: SADDLE,
    method: "SAM",
    rho: 0.5,
    changes: { lr: 0.01, steps: 500, start: [-2.2, -0.2], view: [[-2.5, 2.5], [-2, 2]] },
  },
  {
    title: "n steps rest beside it",
    caption:
      "With n = 4 ascent steps SAM rests not at the saddle but beside it, at |y| = ρ(n − 1 − 2j)/n: 0.75 (black run) and 0.25 (grey). Change n.",
    formula: SADDLE,
    method: "SAM",
    rho: 1,
    changes: { ascentSteps: 4, lr: 0.01, steps: 500, start: [-1.5, 0.5], view: [[-2, 2], [-1.6, 1.6]], basins: false },
    pinned: { changes: { start: [1.5, 0.2] } },
  },
  {
    title: "Noise’s threshold",
    caption: "Under noise the saddle holds SAM only above ρ* = s/(c₂|λ|) = 0.2: ρ = 0.3 stays, ρ = 0.15 (grey) leaves. Drag the batch size B to 4: then ρ* is 0.4.",
    formula: SADDLE_AND_MINIMA,
    method: "SAM",
    rho: 0.3,
    // A batch has s = deviation/√B = 0.25.
    changes: { noise: true, deviation: 1, batchSize: 16, lr: 0.01, steps: 1000, start: [-1.5, 0.02], view: [[-2.2, 2.2], [-1.8, 1.8]] },
    pinned: { changes: {}, rho: 0.15 },
  },
  {
    title: "Momentum is step size",
    caption:
      "Heavy ball with γ = 0.9 and η = 0.0002 goes the way of plain steps with η/(1 − γ) = 0.002 (grey): momentum is a step ten times as large. With η = 0.001 it lags visibly.",
    formula: SADDLE_AND_MINIMA,
    method: "SAM",
    rho: 0.2,
    changes: { step: "heavy ball", momentum: 0.9, lr: 0.0002, steps: 3000, start: [-2, 0.5], view: [[-2.3, 0.7], [-0.1, 1.9]], particles: false, basins: false },
    pinned: { changes: { step: "plain", lr: 0.002 } },
  },
];

/** The presets whose method the page has. */
export function presets(data: Data): Preset[] {
  const possible = STORIES.filter(({ method }) => data.methods.some(({ name }) => name === method));
  return possible.map(({ title, caption, formula, method, rho, changes, pinned }) => {
    const landscape = data.landscapes.find((l) => l.formula === formula)?.name ?? "";
    const base = defaults(data, landscape);
    const of = (radius: number | undefined): Record<string, number> => {
      const hasRadius = radius !== undefined && "rho" in base.parameters;
      return hasRadius ? { ...base.parameters, rho: radius } : base.parameters;
    };
    const settings: Settings = { ...base, landscape, formula, method, parameters: of(rho), ...changes };
    if (pinned) settings.pinned = { ...settings, ...pinned.changes, parameters: of(pinned.rho ?? rho) };
    return { title, caption, settings };
  });
}
