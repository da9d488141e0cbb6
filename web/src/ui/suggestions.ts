import type { Explorer } from "./explorer";

const STEP_OVER_CURVATURE = 0.05; // η|λ| of the sharpest critical point: SAM multiplies its curvature, and must not overshoot

/** A learning rate that suits the landscape: 1, 2 or 5 times a power of 10. */
export function suggestedLr(explorer: Explorer): number {
  const sharpest = Math.max(0, ...explorer.current().points.flatMap(({ eigenvalues }) => eigenvalues.map(Math.abs)));
  if (!(sharpest > 0 && Number.isFinite(sharpest))) return 0.01;
  const target = Math.min(0.1, Math.max(1e-5, STEP_OVER_CURVATURE / sharpest));
  const power = 10 ** Math.floor(Math.log10(target));
  const digit = [5, 2, 1].find((d) => d * power <= target * 1.0001) ?? 1;
  return Number((digit * power).toPrecision(1));
}
