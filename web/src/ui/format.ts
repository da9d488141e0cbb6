/** Numbers as readers expect them: three digits, a true minus sign, and 10ⁿ for what is very large or small. */
const SUPERSCRIPTS: Readonly<Record<string, string>> = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

export function formatNumber(value: number, digits = 3): string {
  if (Number.isNaN(value)) return "undefined";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  const rounded = Number(value.toPrecision(digits));
  const size = Math.abs(rounded);
  if (size !== 0 && (size >= 1e5 || size < 1e-3)) {
    const [mantissa, exponent] = rounded.toExponential().split("e");
    const power = String(Number(exponent)).replace(/./g, (sign) => SUPERSCRIPTS[sign]!);
    return (mantissa === "1" ? "" : `${mantissa}·`).replace("-", "−") + `10${power}`;
  }
  return String(rounded).replace("-", "−");
}

/** Coordinates of a point. Those that are rounding errors beside the scale of the view are 0. */
export function formatPoint(point: readonly [number, number], scale: number): string {
  return `(${point.map((x) => formatNumber(Math.abs(x) < 1e-9 * scale ? 0 : x)).join(", ")})`;
}

/** A complex number [re, im]. */
export function formatComplex([re, im]: readonly [number, number]): string {
  if (Math.abs(im) <= 1e-9 * Math.abs(re)) return formatNumber(re);
  return `${formatNumber(re)} ± ${formatNumber(Math.abs(im))}i`;
}
