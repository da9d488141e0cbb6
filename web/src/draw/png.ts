/** The canvases in order, on the background of the theme, with a line of text below, as a PNG file. */
import type { Theme } from "./theme";

export async function toPng(_canvases: readonly HTMLCanvasElement[], _caption: string, _theme: Theme): Promise<Blob> {
  throw new Error("to come");
}
