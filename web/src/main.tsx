import { render } from "preact";
import "katex/dist/katex.min.css";
import { createApi } from "./api";
import "./style.css";
import type { Data } from "./types";
import { App } from "./ui/App";
import { Explorer } from "./ui/explorer";

const root = document.getElementById("app")!;
const data = JSON.parse(document.getElementById("samdyn-data")!.textContent!) as Data | null;
if (data === null) {
  render(
    <p class="empty">
      This page has no landscapes yet. Run <code>samdyn explore</code>, which writes them into it.
    </p>,
    root,
  );
} else {
  const explorer = new Explorer(data);
  window.samdyn = createApi(explorer);
  render(<App explorer={explorer} />, root);
}
