import katex from "katex";

const rendered = new Map<string, string>();
const CACHE = 500; // formulas; those with numbers change while a slider moves

/** A formula in LaTeX. KaTeX escapes text, runs no macro that loads or links anything, and shows errors as text. */
export function Formula({ tex }: { tex: string }) {
  let html = rendered.get(tex);
  if (html === undefined) {
    html = katex.renderToString(tex, { throwOnError: false, trust: false, strict: "ignore", maxSize: 10, maxExpand: 100 });
    if (rendered.size >= CACHE) rendered.clear();
    rendered.set(tex, html);
  }
  return <span class="formula" dangerouslySetInnerHTML={{ __html: html }} />;
}
