/** The critical points: what the loss has there, what the iterates do there now, and under which condition. */
import type { CriticalPoint, Interval, Verdict } from "../types";
import { ROLE_TEXTS } from "./announce";
import type { Explorer } from "./explorer";
import { Formula } from "./Formula";
import { formatComplex, formatNumber, formatPoint } from "./format";
import { Marker } from "./Marker";

export function PointsTable({ explorer }: { explorer: Explorer }) {
  const { points, verdicts, model } = explorer.derived;
  const { effective } = model.variant;
  const scale = Math.max(...explorer.settings.view.flat().map(Math.abs));
  return (
    <section class="points" aria-labelledby="points-title">
      <h2 id="points-title">Critical points</h2>
      <p class="conditions">
        {effective ? (
          <>
            <Formula tex={`\\lambda_e = ${effective}`} /> attracts along its direction if{" "}
            <Formula tex={model.step.conditions.join(",\\ ")} />
          </>
        ) : model.method.differentiable ? (
          <>
            <Formula tex="\lambda_e" />, an eigenvalue of F’s Jacobian, attracts if <Formula tex={model.step.conditions.join(",\\ ")} />
          </>
        ) : (
          <>{model.method.name} jumps at critical points and has no Jacobian there: the field itself is tried around each point.</>
        )}
      </p>
      {points.length === 0 ? (
        <p>No critical point was found for {searched(explorer)}.</p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">
                  <span class="hidden">marker</span>
                </th>
                <th scope="col">point</th>
                <th scope="col">
                  <Formula tex="\lambda" /> of <Formula tex="H" />
                </th>
                <th scope="col">is now</th>
              </tr>
            </thead>
            {points.map((point, i) => (
              <Rows key={i} explorer={explorer} point={point} verdict={verdicts[i]!} colour={explorer.markers[i]!} scale={scale} />
            ))}
          </table>
        </div>
      )}
    </section>
  );
}

function Rows(props: { explorer: Explorer; point: CriticalPoint; verdict: Verdict; colour: string; scale: number }) {
  const { explorer, point, verdict, colour, scale } = props;
  return (
    <tbody data-role={verdict.role}>
      <tr>
        <td>
          <Marker kind={point.kind} colour={colour} outline={explorer.theme.ink} />
        </td>
        <th scope="row">
          {point.kind} <span class="whole">{formatPoint(point.w, scale)}</span>
        </th>
        <td class="numbers">{point.eigenvalues.map((value) => formatNumber(tidy(value, point.eigenvalues))).join(", ")}</td>
        <td>
          <strong class="role" style={{ "--role": colour }}>
            {ROLE_TEXTS[verdict.role]}
          </strong>
        </td>
      </tr>
      <tr class="reason">
        <td />
        <td colSpan={3}>{reason(verdict, explorer)}</td>
      </tr>
    </tbody>
  );
}

/** Where the search for critical points looks: in the landscape's box, whatever the view is now. */
function searched(explorer: Explorer): string {
  const { coordinates, box } = explorer.derived.model.landscape;
  return box.map(([low, high], i) => `${formatNumber(low)} ≤ ${coordinates[i]} ≤ ${formatNumber(high)}`).join(", ");
}

/** An eigenvalue that is a rounding error beside the other one is 0. */
const tidy = (value: number, all: readonly number[]) => (Math.abs(value) < 1e-9 * Math.max(...all.map(Math.abs)) ? 0 : value);

function reason(verdict: Verdict, explorer: Explorer) {
  const rho = explorer.derived.model.method.parameters.find(({ name }) => name === "rho");
  const parts = [];
  if (verdict.effective) {
    const values = verdict.effective.map((value) => formatComplex(value)).join(", ");
    parts.push(
      <span key="effective">
        <Formula tex="\lambda_e" /> = {values}
      </span>,
    );
  }
  if (!verdict.effective && verdict.role === "attractor") parts.push(<span key="field">F leads back from all sides</span>);
  if (verdict.role === "neutral") parts.push(<span key="neutral">its linearisation does not decide</span>);
  if (verdict.trap !== null) parts.push(<span key="trap">{trapText(verdict.trap)}</span>);
  if (verdict.attractsFor && rho) parts.push(<span key="for">{attractsText(verdict.attractsFor, rho.range)}</span>);
  if (explorer.settings.noise) parts.push(<span key="noise">without noise</span>);
  return parts.flatMap((part, i) => (i ? ["; ", part] : [part]));
}

function trapText(trap: number): string {
  if (trap === 0) return "lets starts leave";
  return trap === Infinity ? "holds all starts around it" : `holds starts within ${formatNumber(trap)}`;
}

/** For which ρ the point attracts, as a text and a formula. The intervals end where the range of the slider does. */
function attractsText(intervals: readonly Interval[], [lowest, highest]: Interval) {
  if (intervals.length === 0) return "attracts at no ρ";
  const [low, high] = intervals[0]!;
  if (intervals.length === 1 && low <= lowest && high >= highest) return "attracts at every ρ";
  return (
    <>
      attracts for <Formula tex={intervals.map((interval) => intervalTex(interval, [lowest, highest])).join("\\text{ or }")} />
    </>
  );
}

function intervalTex([low, high]: Interval, [lowest, highest]: Interval): string {
  if (high >= highest) return `\\rho > ${texNumber(low)}`;
  return low <= lowest ? `\\rho < ${texNumber(high)}` : `${texNumber(low)} < \\rho < ${texNumber(high)}`;
}

const texNumber = (value: number) => String(Number(value.toPrecision(4))).replace(/e\+?(-?\d+)/, " \\cdot 10^{$1}");
