import { render } from "preact";
import "katex/dist/katex.min.css";
import { createApi } from "./api";
import "./style.css";
import type { Data } from "./types";
import { App } from "./ui/App";
import { Explorer } from "./ui/explorer";

const root = document.getElementById("app")!;
/** The page's data, compressed JSON in base64; null in a page without data. */
const packed = JSON.parse(document.getElementById("samdyn-data")!.textContent!) as string | null;

async function unpacked(letters: string): Promise<Data> {
  const bytes = Uint8Array.from(atob(letters), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return (await new Response(stream).json()) as Data;
}

if (packed === null) {
  render(
    <p class="empty">
      This page has no landscapes yet. Run <code>samdyn explore</code>, which writes them into it.
    </p>,
    root,
  );
} else {
  const explorer = new Explorer(await unpacked(packed));
  window.samdyn = createApi(explorer);
  render(<App explorer={explorer} />, root);
}
