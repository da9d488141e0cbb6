/** Wheel, drag and pinch change the view; a click or tap without a drag is a start. */
import { select } from "d3-selection";
import { zoom, zoomIdentity, type ZoomTransform } from "d3-zoom";
import type { Point } from "../types";
import { Transform, type View } from "./transform";

const LARGEST_ZOOM = 1e4; // single precision has no more to show
const SMALLEST_ZOOM = 0.02;
const CLICK_DISTANCE = 4; // CSS pixels; a pointer that moves less does not drag

export interface ZoomHandlers {
  view(view: View): void;
  start(point: Point): void;
  /** The pointer moves over the picture, in CSS pixels; null when it leaves. */
  hover?(pixel: Point | null): void;
}

export interface Zoom {
  /** The view was changed from elsewhere: by a preset, say. Zoom has its limits relative to this view. */
  setView(view: View): void;
  /** For keys: zoom in about the centre, or move by parts of the view. */
  zoomBy(factor: number): void;
  panBy(right: number, up: number): void;
  dispose(): void;
}

export function attachZoom(element: HTMLElement, view: View, handlers: ZoomHandlers): Zoom {
  let base = view; // the view without a transform
  const selection = select(element);
  const seen = (transform: ZoomTransform): View => {
    const to = new Transform(base, element.clientWidth, element.clientHeight);
    const [left, top] = to.point(...transform.invert([0, 0]));
    const [right, bottom] = to.point(...transform.invert([element.clientWidth, element.clientHeight]));
    return [[left, right], [bottom, top]]; // prettier-ignore
  };
  let current = view;
  let isSilent = false;
  const behaviour = zoom<HTMLElement, unknown>()
    .scaleExtent([SMALLEST_ZOOM, LARGEST_ZOOM])
    .clickDistance(CLICK_DISTANCE)
    .tapDistance(CLICK_DISTANCE)
    .on("zoom", (event: { transform: ZoomTransform }) => {
      if (isSilent) return;
      current = seen(event.transform);
      handlers.view(current);
    });
  selection.call(behaviour).on("dblclick.zoom", null);
  element.style.touchAction = "none"; // the browser leaves pinch and drag to the page

  const pixel = (event: MouseEvent): Point => {
    const place = element.getBoundingClientRect();
    return [event.clientX - place.left, event.clientY - place.top];
  };
  const onClick = (event: MouseEvent): void => {
    if (event.defaultPrevented) return; // the end of a drag
    handlers.start(new Transform(current, element.clientWidth, element.clientHeight).point(...pixel(event)));
  };
  const onMove = (event: PointerEvent): void => handlers.hover?.(pixel(event));
  const onLeave = (): void => handlers.hover?.(null);
  element.addEventListener("click", onClick);
  element.addEventListener("pointermove", onMove);
  element.addEventListener("pointerleave", onLeave);
  return {
    setView(next) {
      base = current = next;
      isSilent = true;
      selection.call(behaviour.transform, zoomIdentity);
      isSilent = false;
    },
    zoomBy: (factor) => void selection.call(behaviour.scaleBy, factor),
    panBy: (right, up) =>
      void selection.call(
        behaviour.translateBy,
        ...scaled(element, -right * element.clientWidth, up * element.clientHeight),
      ),
    dispose() {
      selection.on(".zoom", null);
      element.removeEventListener("click", onClick);
      element.removeEventListener("pointermove", onMove);
      element.removeEventListener("pointerleave", onLeave);
    },
  };
}

/** d3 moves by pixels of the picture without zoom. */
function scaled(element: HTMLElement, right: number, down: number): [number, number] {
  const { k } = (element as HTMLElement & { __zoom: ZoomTransform }).__zoom;
  return [right / k, down / k];
}
