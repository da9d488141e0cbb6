/** What changed, in words, for readers who do not see the picture. */
import type { CriticalPoint, Role, Verdict } from "../types";
import { formatPoint } from "./format";

interface Shown {
  points: readonly CriticalPoint[];
  verdicts: readonly Verdict[];
}

export const ROLE_TEXTS: Readonly<Record<Role, string>> = {
  attractor: "attractor",
  saddle: "saddle",
  repeller: "repeller",
  holds: "trap",
  neutral: "neutral",
};

const NOW: Readonly<Record<Role, string>> = {
  attractor: "is now an attractor",
  saddle: "now lets runs leave",
  repeller: "now drives runs away on all sides",
  holds: "now holds runs that start near it",
  neutral: "is now on the border between holding and leaving",
};

/** The sentence on the points whose roles differ, or null if none does. */
export function announce(before: Shown, after: Shown): string | null {
  if (before.points !== after.points) {
    const count = after.points.length;
    return count === 0 ? "No critical point was found." : `${count} critical point${count === 1 ? "" : "s"}.`;
  }
  const sentences = after.points.flatMap((point, i) => {
    const role = after.verdicts[i]!.role;
    return role === before.verdicts[i]!.role ? [] : [`The ${point.kind} at ${formatPoint(point.w, 1)} ${NOW[role]}.`];
  });
  return sentences.length ? sentences.join(" ") : null;
}
