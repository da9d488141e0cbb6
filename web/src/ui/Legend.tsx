/** What colours, markers and lines mean, in words; and the shares of the outcomes. */
import type { Explorer } from "./explorer";
import { formatPoint } from "./format";
import { Marker } from "./Marker";

interface Share {
  colour: string;
  text: string;
  share: number;
}

/** The outcomes that particles have, with the points that hold any. */
function outcomes(explorer: Explorer): Share[] {
  const { points } = explorer.derived;
  const { colours, shares, settings } = explorer;
  const scale = Math.max(...settings.view.flat().map(Math.abs));
  const all = points.map((point, i) => ({
    colour: colours.points[i]!,
    text: `held by the ${point.kind} at ${formatPoint(point.w, scale)}`,
    share: shares[i] ?? 0,
  }));
  return [
    ...all.filter(({ share }) => share > 0),
    { colour: colours.undecided, text: "undecided", share: shares[points.length] ?? 0 },
    { colour: colours.left, text: "gone far away", share: shares[points.length + 1] ?? 0 },
  ];
}

const percent = (share: number) => (share > 0 && share < 0.005 ? "< 1 %" : `${Math.round(share * 100)} %`);

export function Shares({ explorer }: { explorer: Explorer }) {
  const all = outcomes(explorer);
  return (
    <section class="shares" aria-label="Shares of the particles by outcome">
      <div class="bar" aria-hidden="true">
        {all.map(({ colour, text, share }) => (
          <span key={text} style={{ background: colour, flexGrow: share }} />
        ))}
      </div>
      <ul>
        {all.map(({ colour, text, share }) => (
          <li key={text}>
            <i style={{ background: colour }} /> {percent(share)} {text}
          </li>
        ))}
      </ul>
    </section>
  );
}

export function Legend({ explorer }: { explorer: Explorer }) {
  const { theme } = explorer;
  const { run, pinned, points, verdicts } = explorer.derived;
  const holding = points.findIndex((_, i) => verdicts[i]!.role === "attractor" || verdicts[i]!.role === "holds");
  const marker = (colour: string) => <Marker kind="saddle" colour={colour} outline={theme.ink} />;
  return (
    <ul class="legend" aria-label="Legend">
      <li>
        <Marker kind="minimum" colour="none" outline={theme.ink} /> minimum
      </li>
      <li>
        <Marker kind="saddle" colour="none" outline={theme.ink} /> saddle of L
      </li>
      <li>
        <Marker kind="maximum" colour="none" outline={theme.ink} /> maximum
      </li>
      {holding >= 0 && (
        <li>
          <Marker kind={points[holding]!.kind} colour={explorer.colours.points[holding]!} outline={theme.ink} /> holds runs: filled like its basin
        </li>
      )}
      <li>{marker(theme.roles.saddle)} lets runs leave</li>
      <li>{marker(theme.roles.repeller)} repels</li>
      {verdicts.some(({ trap }) => trap) && (
        <li>
          <Line colour={theme.trap} dash="6 4" /> edge of the trap
        </li>
      )}
      {run && (
        <>
          <li>
            <Dots colour={theme.iterates} /> iterates
          </li>
          <li>
            <Line colour={theme.flow} /> flow
          </li>
          <li>
            <svg viewBox="0 0 28 12" width="28" height="12" aria-hidden="true" stroke={theme.perturbed} stroke-width="2">
              <circle cx="5" cy="6" r="3.5" fill={theme.perturbed} />
              <path d="M5 6 H20" stroke-dasharray="4 3" />
              <path d="M18 2 L26 10 M18 10 L26 2" />
            </svg>{" "}
            step k and its perturbed point wᵖ
          </li>
        </>
      )}
      {pinned && (
        <li>
          <Dots colour={theme.pinned} /> run kept to compare
        </li>
      )}
    </ul>
  );
}

function Line({ colour, dash }: { colour: string; dash?: string }) {
  return (
    <svg viewBox="0 0 28 10" width="28" height="10" aria-hidden="true">
      <line x1="1" x2="27" y1="5" y2="5" stroke={colour} stroke-width="2.5" stroke-dasharray={dash} />
    </svg>
  );
}

function Dots({ colour }: { colour: string }) {
  return (
    <svg viewBox="0 0 28 10" width="28" height="10" aria-hidden="true" fill={colour}>
      <circle cx="5" cy="5" r="2.6" />
      <circle cx="14" cy="5" r="2.6" />
      <circle cx="23" cy="5" r="2.6" />
    </svg>
  );
}
