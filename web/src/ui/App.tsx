import { useEffect, useRef, useState } from "preact/hooks";
import { Charts } from "./Charts";
import { useExplorer } from "./context";
import { Controls } from "./Controls";
import type { Explorer } from "./explorer";
import { Formula } from "./Formula";
import { Legend, Shares } from "./Legend";
import { Picture } from "./Picture";
import { PointsTable } from "./PointsTable";
import { ThemeSelect } from "./ThemeSelect";

const MOST_NOTES = 6; // more would push the picture off the screen

export function App({ explorer }: { explorer: Explorer }) {
  useExplorer(explorer);
  useKeys(explorer);
  return (
    <>
      <header>
        <h1>
          samdyn <small>explorer</small>
        </h1>
        <ThemeSelect explorer={explorer} />
        <CopyLink explorer={explorer} />
        <SavePng explorer={explorer} />
      </header>
      <Notes explorer={explorer} />
      <Presets explorer={explorer} />
      <main>
        <div class="stage">
          <Title explorer={explorer} />
          <Picture explorer={explorer} />
          <Transport explorer={explorer} />
        </div>
        <Charts explorer={explorer} />
        <div class="facts">
          <Shares explorer={explorer} />
          <PointsTable explorer={explorer} />
          <Legend explorer={explorer} />
        </div>
        <aside aria-label="Controls">
          <Controls explorer={explorer} />
        </aside>
      </main>
      <p class="hidden" aria-live="polite">
        {explorer.announcement}
      </p>
    </>
  );
}

/** What the picture shows: the loss as a formula. */
function Title({ explorer }: { explorer: Explorer }) {
  const { landscape, method } = explorer.derived.model;
  return (
    <p class="title">
      <Formula tex={`L = ${landscape.latex}`} /> <span>{method.name}</span>
    </p>
  );
}

function Presets({ explorer }: { explorer: Explorer }) {
  const { stories } = explorer;
  const shown = explorer.preset === null ? null : stories[explorer.preset];
  const row = useRef<HTMLDivElement>(null);
  // On narrow screens the row scrolls.
  useEffect(() => {
    const button = row.current!.querySelector<HTMLElement>("[aria-pressed=true]");
    if (button) row.current!.scrollLeft = button.offsetLeft - (row.current!.clientWidth - button.offsetWidth) / 2;
  }, [explorer.preset]);
  return (
    <nav aria-label="Presets">
      <div class="presets" ref={row}>
        {stories.map(({ title }, i) => (
          <button key={title} type="button" aria-pressed={i === explorer.preset} onClick={() => explorer.choose(i)}>
            <kbd>{i + 1}</kbd> {title}
          </button>
        ))}
      </div>
      <p class="caption" aria-live="polite">
        {shown ? shown.caption : "Each button shows one thing, in order. Or click into the picture to start a run, and drag ρ to watch the points change."}
      </p>
    </nav>
  );
}

function Transport({ explorer }: { explorer: Explorer }) {
  const { paused, engine } = explorer;
  return (
    <div class="transport">
      <button type="button" aria-keyshortcuts="Space" onClick={() => explorer.show({ paused: !paused })}>
        {paused ? "▶ go on" : "❚❚ pause"}
      </button>
      <button type="button" aria-keyshortcuts="R" onClick={() => explorer.restart()}>
        ↻ restart
      </button>
      <span class="hint">
        {engine && `${engine.count.toLocaleString("en")} particles, step ${engine.steps.toLocaleString("en")}`}
        {engine?.kind === "JavaScript" && ", without WebGL2"}
      </span>
    </div>
  );
}

function Notes({ explorer }: { explorer: Explorer }) {
  if (explorer.notes.length === 0) return null;
  return (
    <div class="notes" role="alert">
      <ul>
        {explorer.notes.slice(0, MOST_NOTES).map((note) => (
          <li key={note}>{note}</li>
        ))}
        {explorer.notes.length > MOST_NOTES && <li>… and {explorer.notes.length - MOST_NOTES} more</li>}
      </ul>
      <button type="button" onClick={() => explorer.show({ notes: [] })}>
        close
      </button>
    </div>
  );
}

function CopyLink({ explorer }: { explorer: Explorer }) {
  const [said, setSaid] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(explorer.link());
      setSaid("copied");
    } catch {
      // Pages from files, and pages inside others, may not write to the clipboard.
      setSaid("copy it from the address bar");
    }
    setTimeout(() => setSaid(""), 3000);
  };
  return (
    <button type="button" onClick={copy} aria-live="polite">
      {said || "copy link"}
    </button>
  );
}

function SavePng({ explorer }: { explorer: Explorer }) {
  const [error, setError] = useState("");
  const save = async () => {
    try {
      const url = URL.createObjectURL(await explorer.png());
      const link = Object.assign(document.createElement("a"), { href: url, download: "samdyn.png" });
      link.click();
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
      setError("");
    } catch (reason) {
      setError(String(reason));
    }
  };
  return (
    <>
      <button type="button" onClick={save}>
        save PNG
      </button>
      {error && (
        <span role="alert" class="error">
          {error}
        </span>
      )}
    </>
  );
}

/** Space pauses, r restarts, digits choose presets, unless the reader types or works a control. */
function useKeys(explorer: Explorer): void {
  useEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      const target = event.target as HTMLElement;
      if (target.closest("input:not([type=range]):not([type=checkbox]), select, textarea")) return;
      if (event.key === " " && !target.closest("button, input")) explorer.show({ paused: !explorer.paused });
      else if (event.key === "r" || event.key === "R") explorer.restart();
      else if (/^[1-9]$/.test(event.key)) explorer.choose(Number(event.key) - 1);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", keys);
    return () => removeEventListener("keydown", keys);
  }, [explorer]);
}
