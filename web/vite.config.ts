import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

// The families of KaTeX's fonts that the page's formulas need. All others would make it three times as large.
const FAMILIES = /KaTeX_(Main-Regular|Math-Italic|AMS-Regular|Size[1-4]-Regular)\.woff2/;

/** Keeps of KaTeX's style sheet the fonts in FAMILIES, each in the one format that every browser with WebGL2 reads. */
function fewFonts(): Plugin {
  return {
    name: "few-fonts",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("katex.min.css")) return undefined;
      const kept = code.replace(/@font-face\{[^}]*\}/g, (face) => (FAMILIES.test(face) ? face : ""));
      return kept.replace(/,url\([^)]*\) format\("(woff|truetype)"\)/g, "");
    },
  };
}

// One file with all of the page, an asset of the Python package: whoever uses the page needs no Node.
export default defineConfig({
  plugins: [fewFonts(), viteSingleFile({ removeViteModuleLoader: true })],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: fileURLToPath(new URL("../samdyn/explorer/page", import.meta.url)),
    emptyOutDir: true,
    assetsInlineLimit: 1_000_000,
    cssCodeSplit: false,
  },
});
