/** The picture: particles and basins on one canvas, contours, points and runs on another one above it. */
import { useEffect, useRef } from "preact/hooks";
import { Overlay } from "../draw/overlay";
import { attachZoom } from "../draw/zoom";
import { createEngine } from "../engine/create";
import type { Point, Settings } from "../types";
import type { Explorer } from "./explorer";

const ZOOM_STEP = 1.25; // of the keys + and −
const PAN_STEP = 0.1; // of the arrows, as a part of the view

/** `#renderer` is no setting: `?renderer=javascript` asks for the engine without WebGL2, to compare and to test it. */
const renderer = (): "any" | "javascript" =>
  new URLSearchParams(location.search).get("renderer") === "javascript" ? "javascript" : "any";

/** The point to a few digits, less than a pixel away: links stay short. */
function rounded(point: Point, view: Settings["view"]): Point {
  const [x, y] = point.map((value, i) => {
    const unit = 10 ** Math.floor(Math.log10((view[i]![1] - view[i]![0]) / 2000));
    return Number((Math.round(value / unit) * unit).toPrecision(10));
  });
  return [x!, y!];
}

export function Picture({ explorer }: { explorer: Explorer }) {
  const frame = useRef<HTMLDivElement>(null);
  const particles = useRef<HTMLCanvasElement>(null);
  const above = useRef<HTMLCanvasElement>(null);

  useEffect(() => {
    const element = frame.current!;
    const engine = createEngine(particles.current!, renderer());
    const overlay = new Overlay(above.current!);
    const resize = () => {
      const { clientWidth: width, clientHeight: height } = element;
      if (width === 0 || height === 0) return;
      engine.resize(width, height, devicePixelRatio);
      overlay.resize(width, height, devicePixelRatio);
      explorer.resized(width, height);
      zoom.setView(explorer.view);
    };
    let isOwn = false; // whether the picture itself changes the view, as its gesture goes on
    const zoom = attachZoom(element, explorer.view, {
      view(view) {
        isOwn = true;
        explorer.set({ view });
        isOwn = false;
      },
      start: (start) => explorer.set({ start: rounded(start, explorer.view) }),
    });
    resize();
    const detach = explorer.attach({
      engine,
      overlay,
      canvases: [particles.current!, above.current!],
      viewChanged: (view) => isOwn || zoom.setView(view),
    });
    const observer = new ResizeObserver(resize);
    observer.observe(element);
    const keys = (event: KeyboardEvent) => {
      const pans: Record<string, [number, number]> = {
        ArrowLeft: [-PAN_STEP, 0],
        ArrowRight: [PAN_STEP, 0],
        ArrowDown: [0, -PAN_STEP],
        ArrowUp: [0, PAN_STEP],
      };
      const pan = pans[event.key];
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (pan) zoom.panBy(...pan);
      else if (event.key === "+" || event.key === "=") zoom.zoomBy(ZOOM_STEP);
      else if (event.key === "-") zoom.zoomBy(1 / ZOOM_STEP);
      else return;
      event.preventDefault();
    };
    element.addEventListener("keydown", keys);
    return () => {
      observer.disconnect();
      element.removeEventListener("keydown", keys);
      detach();
      zoom.dispose();
    };
  }, [explorer]);

  return (
    <div
      ref={frame}
      class="picture"
      tabIndex={0}
      role="application"
      aria-label="Plane of the landscape. Click to start a run; drag to move, wheel or + and − to zoom, arrows to move. The table of critical points says in words what is drawn."
    >
      <canvas ref={particles} aria-hidden="true" />
      <canvas ref={above} aria-hidden="true" />
    </div>
  );
}
