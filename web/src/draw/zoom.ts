/** Wheel, drag and pinch change the view; a click or tap without a drag is a start. */
import type { Point } from "../types";
import type { View } from "./transform";

export interface ZoomHandlers {
  view(view: View): void;
  start(point: Point): void;
  /** The pointer moves over the picture, in CSS pixels; null when it leaves. */
  hover?(pixel: Point | null): void;
}

export interface Zoom {
  /** The view was changed from elsewhere: by a preset, say. */
  setView(view: View): void;
  /** For keys: zoom about the centre, or move by parts of the view. */
  zoomBy(factor: number): void;
  panBy(right: number, up: number): void;
  dispose(): void;
}

export function attachZoom(_element: HTMLElement, _view: View, _handlers: ZoomHandlers): Zoom {
  throw new Error("to come");
}
