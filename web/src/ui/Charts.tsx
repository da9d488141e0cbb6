/** Loss and cosine along the run, over t = kη. The cursor of the charts moves the perturbed point in the picture. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Theme } from "../draw/theme";
import type { Run } from "../types";
import type { Explorer } from "./explorer";
import { Formula } from "./Formula";
import { formatNumber, formatPoint } from "./format";

const HEIGHT = 128; // CSS pixels
const AXIS_WIDTH = 52;
const FONT = "11px system-ui, sans-serif";

export function Charts({ explorer }: { explorer: Explorer }) {
  const { run, pinned } = explorer.derived;
  const last = run ? run.x.length - 1 : 0;
  const k = explorer.cursor ?? last;
  return (
    <section class="charts" aria-labelledby="charts-title">
      <div class="cursor">
        <h2 id="charts-title">
          The run over <Formula tex="t = k\eta" />
        </h2>
        {run && run.x.length > 0 && (
          <>
            <label for="cursor">step k</label>
            <input
              id="cursor"
              type="range"
              min={0}
              max={last}
              value={k}
              onInput={(event) => explorer.show({ cursor: event.currentTarget.valueAsNumber })}
            />
            <output for="cursor">
              {k}: L = {formatNumber(run.loss[k]!)}, cos = {formatNumber(run.cosine[k]!)}
            </output>
          </>
        )}
      </div>
      {run ? (
        <>
          <div class="pair">
            <Chart explorer={explorer} name="loss" label="loss L" />
            <Chart explorer={explorer} name="cosine" label="cos(∇L(w), ∇L(wᵖ))" />
          </div>
          <p class="hint">{endText(run, pinned !== null)}</p>
        </>
      ) : (
        <p>Click into the picture to start a run.</p>
      )}
    </section>
  );
}

function endText(run: Run, compared: boolean): string {
  if (run.x.length === 0) return "The run cannot start here: the loss or its gradient is no finite number.";
  const last = run.x.length - 1;
  const at = formatPoint([run.x[last]!, run.y[last]!], 1);
  const ends = { "goes on": `After ${last} steps the run is at ${at}.`, left: `After ${last} steps the run is far away, at ${at}.`, diverged: `The run overflows at step ${last}.` };
  return ends[run.end] + (compared ? " Grey: the run kept to compare." : "");
}

interface ChartProps {
  explorer: Explorer;
  name: "loss" | "cosine";
  label: string;
}

function Chart({ explorer, name, label }: ChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const { run, pinned } = explorer.derived;
  const { theme, cursor } = explorer;

  useEffect(() => {
    const element = host.current!;
    const chart = new uPlot(options(explorer, name, label, theme, element.clientWidth), table(explorer, name), element);
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [explorer, theme, name, label]);

  useEffect(() => plot.current?.setData(table(explorer, name)), [run, pinned]);

  // The slider of the steps, or the other chart, moved the cursor.
  useEffect(() => {
    const chart = plot.current;
    if (!chart || !run) return;
    const left = cursor === null ? -10 : chart.valToPos(run.time[cursor]!, "x");
    if (chart.cursor.left !== left) chart.setCursor({ left, top: cursor === null ? -10 : 0 }, false);
  }, [cursor, run]);

  return <div class="chart" ref={host} role="img" aria-label={`${label} along the run`} />;
}

/** Times, then the values of the run, of the flow (loss alone) and of the run to compare; null where one has none. */
function table(explorer: Explorer, name: ChartProps["name"]): uPlot.AlignedData {
  const { run, pinned } = explorer.derived;
  const nothing: uPlot.AlignedData = [[], []];
  const tables: uPlot.AlignedData[] = [run ? [run.time, run[name]] : nothing];
  if (name === "loss") tables.push(run ? [run.flow.time, run.flow.loss] : nothing);
  tables.push(pinned ? [pinned.time, pinned[name]] : nothing);
  return uPlot.join(tables.map(finite));
}

/** uPlot's scales take finite values only. */
function finite([times, values]: uPlot.AlignedData): uPlot.AlignedData {
  return [times, Array.from(values as ArrayLike<number>, (value) => (Number.isFinite(value) ? value : null))];
}

function options(explorer: Explorer, name: ChartProps["name"], label: string, theme: Theme, width: number): uPlot.Options {
  const axis = { stroke: theme.ink, grid: { stroke: theme.contour, width: 0.5 }, ticks: { stroke: theme.contour, width: 0.5 }, font: FONT };
  const line = (stroke: string, more: Partial<uPlot.Series> = {}): uPlot.Series => ({ stroke, width: 1.5, spanGaps: true, points: { show: false }, ...more });
  const flow = name === "loss" ? [line(theme.flow, { dash: [6, 4] })] : [];
  return {
    width,
    height: HEIGHT,
    title: label,
    legend: { show: false },
    scales: { x: { time: false }, y: { range: name === "cosine" ? [-1.08, 1.08] : () => lossRange(explorer) } },
    axes: [
      { ...axis, size: 28, values: (_, all) => all.map((value) => formatNumber(value)) },
      { ...axis, size: AXIS_WIDTH, values: (_, all) => all.map((value) => formatNumber(value)) },
    ],
    series: [{}, line(theme.iterates), ...flow, line(theme.pinned)],
    cursor: { drag: { x: false, y: false }, y: false, points: { show: false } },
    hooks: {
      // By the pointer alone: the slider sets the cursor with no event.
      setCursor: [
        (chart) => {
          const { run } = explorer.derived;
          const { left, event } = chart.cursor;
          if (!event || left === undefined || !run) return;
          const step = left < 0 ? null : nearestStep(run.time, chart.posToVal(left, "x"));
          if (step !== explorer.cursor) explorer.show({ cursor: step });
        },
      ],
    },
  };
}

/** The losses of the runs while they are in the picture: those of a run that leaves would hide all the rest. */
function lossRange(explorer: Explorer): uPlot.Range.MinMax {
  const [[left, right], [bottom, top]] = explorer.view;
  const { run, pinned } = explorer.derived;
  let [low, high] = [Infinity, -Infinity];
  for (const one of [run, pinned]) {
    one?.loss.forEach((loss, k) => {
      const isSeen = one.x[k]! >= left && one.x[k]! <= right && one.y[k]! >= bottom && one.y[k]! <= top;
      if (!isSeen || !Number.isFinite(loss)) return;
      low = Math.min(low, loss);
      high = Math.max(high, loss);
    });
  }
  if (low > high) return [0, 1];
  const margin = 0.08 * (high - low) || 0.1 * Math.abs(high) || 1;
  return [low - margin, high + margin];
}

/** Steps are equidistant in time. */
function nearestStep(times: Float64Array, time: number): number {
  const last = times.length - 1;
  return last === 0 ? 0 : Math.min(last, Math.max(0, Math.round((time / times[last]!) * last)));
}
