/**
 * Derivatives of expressions, with samdyn's conventions: at kinks the derivatives of abs and relu are 0, and so are those
 * of Max and Min at ties. Second derivatives have no delta functions.
 */
import { type Graph, type Node, parts } from "./graph";

/** Returns a function that derives expressions of a graph by a coordinate. It derives a shared part once. */
export function derivation(graph: Graph, coordinate: number): (node: Node) => Node {
  const zero = graph.number(0);
  const one = graph.number(1);
  const results = new Map<Node, Node>();

  function derivative(node: Node): Node {
    if (!results.has(node)) for (const part of parts([node])) if (!results.has(part)) results.set(part, rule(part));
    return results.get(node)!;
  }

  /** Returns the derivative of a part of the expression at work, which is there already. */
  function derive(part: Node): Node {
    return results.get(part)!;
  }

  function rule(node: Node): Node {
    const { operation, args } = node;
    const [a, b, c] = args as [Node, Node, Node];
    switch (operation) {
      case "=":
      case ">":
      case "sign":
        return zero;
      case "x":
        return node.value === coordinate ? one : zero;
      case "+":
        return graph.add(derive(a), derive(b));
      case "-":
        return graph.subtract(derive(a), derive(b));
      case "neg":
        return graph.negative(derive(a));
      case "*":
        return graph.add(graph.multiply(derive(a), b), graph.multiply(a, derive(b)));
      case "/":
        if (b.operation === "=") return graph.divide(derive(a), b);
        return graph.divide(graph.subtract(derive(a), graph.multiply(node, derive(b))), b);
      case "pow":
        return graph.multiply(node, graph.add(graph.multiply(derive(b), graph.apply("log", a)), graph.divide(graph.multiply(b, derive(a)), a))); // prettier-ignore
      case "max":
        return extreme(node, (term, others) => [term, others]);
      case "min":
        return extreme(node, (term, others) => [others, term]);
      case "?":
        return graph.choose(a, derive(b), derive(c));
    }
    const inner = derive(a);
    return inner === zero ? zero : graph.multiply(slope(node, a), inner);
  }

  /** A term's derivative counts where the term is the only extreme one. */
  function extreme(node: Node, ordered: (term: Node, others: Node) => [Node, Node]): Node {
    return node.args.reduce((sum, term) => {
      const others = graph.extreme(node.operation as "max" | "min", node.args.filter((t) => t !== term)); // prettier-ignore
      return graph.add(sum, graph.where(...ordered(term, others), derive(term), zero));
    }, zero);
  }

  /** Returns the derivative of a function by its argument u. */
  function slope(node: Node, u: Node): Node {
    switch (node.operation) {
      case "power":
        return graph.multiply(graph.number(node.value), graph.power(u, node.value - 1));
      case "exp":
        return node;
      case "log":
        return graph.divide(one, u);
      case "sin":
        return graph.apply("cos", u);
      case "cos":
        return graph.negative(graph.apply("sin", u));
      case "tan":
        return graph.add(one, graph.power(node, 2));
      case "sinh":
        return graph.apply("cosh", u);
      case "cosh":
        return graph.apply("sinh", u);
      case "tanh":
        return graph.subtract(one, graph.power(node, 2));
      case "atan":
        return graph.divide(one, graph.add(one, graph.power(u, 2)));
      case "abs":
        return graph.apply("sign", u);
      case "softplus":
        return graph.apply("logistic", u);
      case "logistic":
        return graph.multiply(node, graph.apply("logistic", graph.negative(u)));
      case "logcosh":
        return graph.apply("tanh", u);
    }
    throw new Error(`operation ${JSON.stringify(node.operation)}: has no rule for its derivative`);
  }

  return derivative;
}
