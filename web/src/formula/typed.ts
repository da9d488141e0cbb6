/** A landscape from a typed formula. */
import type { Interval, LandscapeData } from "../types";
import { build } from "./build";
import { derivation } from "./derive";
import { Graph } from "./graph";
import { latex } from "./latex";
import { type Grammar, parse } from "./parse";
import { program } from "./write";

/** Returns the landscape of a formula, which has the coordinates x and y or two others. Throws FormulaError. */
export function typedLandscape(
  text: string,
  grammar: Grammar,
  box: readonly [Interval, Interval] = [[-3, 3], [-3, 3]],
): LandscapeData {
  const part = parse(text, grammar);
  const graph = new Graph();
  const { value, coordinates } = build(part, text, grammar, graph);
  const [d0, d1] = [derivation(graph, 0), derivation(graph, 1)];
  const gradient = [d0(value), d1(value)] as const;
  const hessian = [d0(gradient[0]), d1(gradient[0]), d1(gradient[1])] as const;
  const third = [d0(hessian[0]), d1(hessian[0]), d1(hessian[1]), d1(hessian[2])];
  const formula = text.trim();
  return {
    name: formula,
    formula,
    latex: latex(part),
    coordinates,
    box,
    programs: {
      value: program(coordinates, [value]),
      gradient: program(coordinates, gradient),
      hessian: program(coordinates, hessian),
      third: program(coordinates, third),
    },
  };
}
