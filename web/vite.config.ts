import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
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

/** Writes the hash of all sources into the page, by which a test of Python sees whether the page is up to date. */
function sources(): Plugin {
  const root = fileURLToPath(new URL(".", import.meta.url));
  return {
    name: "sources",
    transformIndexHtml() {
      const files = ["index.html", "package-lock.json", "vite.config.ts"];
      const inside = readdirSync(`${root}src`, { recursive: true, withFileTypes: true });
      for (const entry of inside) {
        if (entry.isFile()) files.push(`${entry.parentPath}/${entry.name}`.slice(root.length));
      }
      const hash = createHash("sha256");
      for (const file of files.sort()) hash.update(`${file}\n`).update(readFileSync(root + file));
      return [{ tag: "meta", attrs: { name: "samdyn-sources", content: hash.digest("hex") }, injectTo: "head" }];
    },
  };
}

// One file with all of the page, an asset of the Python package: whoever uses the page needs no Node.
export default defineConfig({
  plugins: [fewFonts(), sources(), viteSingleFile({ removeViteModuleLoader: true })],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    target: "es2022",
    outDir: fileURLToPath(new URL("../samdyn/explorer/page", import.meta.url)),
    emptyOutDir: true,
    assetsInlineLimit: 1_000_000,
    cssCodeSplit: false,
    modulePreload: false,
  },
});
