/** The canvases in order, on the background of the theme, with lines of text below, as a PNG file. */
import type { Theme } from "./theme";

const FONT_SIZE = 13; // CSS pixels
const MARGIN = 10;

/** `caption` is plain text. Canvases cover the same place. */
export async function toPng(canvases: readonly HTMLCanvasElement[], caption: string, theme: Theme): Promise<Blob> {
  // The finest canvas gives the size: one without a GPU behind it may have fewer pixels.
  const finest = canvases.reduce((a, b) => (b.width > a.width ? b : a));
  const ratio = finest.clientWidth ? finest.width / finest.clientWidth : 1;
  const picture = document.createElement("canvas");
  const context = picture.getContext("2d")!;
  const font = `${FONT_SIZE * ratio}px system-ui, sans-serif`;
  context.font = font;
  const lines = wrap(context, caption, finest.width - 2 * MARGIN * ratio);
  const lineHeight = 1.4 * FONT_SIZE * ratio;
  picture.width = finest.width;
  picture.height = Math.ceil(finest.height + lines.length * lineHeight + (lines.length ? 2 * MARGIN * ratio : 0));
  context.fillStyle = theme.background;
  context.fillRect(0, 0, picture.width, picture.height);
  for (const canvas of canvases) context.drawImage(canvas, 0, 0, finest.width, finest.height);
  context.font = font; // a new size resets it
  context.fillStyle = theme.ink;
  context.textBaseline = "top";
  lines.forEach((line, k) => context.fillText(line, MARGIN * ratio, finest.height + MARGIN * ratio + k * lineHeight));
  return new Promise((resolve, reject) =>
    picture.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser made no picture"))), "image/png"),
  );
}

/** Breaks a text into lines at its spaces. */
function wrap(context: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const longer = lines.length ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length && context.measureText(longer).width <= width) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}
