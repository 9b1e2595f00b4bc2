// What the operators mean. Division and remainder by 0, and what overflows, are null. Equality is symmetric: a text equals what reads
// the same as text, a truth counts as 1 or 0 beside a number, and null equals null alone. Two texts are ordered as texts, all else as numbers.
import { compareText, toNumber, toText } from "../coercions.ts";
import type { Value } from "../value.ts";
import type { TextMeter } from "./limits.ts";
import {
  asRawNumber,
  asText,
  asTruth,
  asValue,
  type Closure,
  constantNode,
  finite,
  mayBeText,
  type Node,
} from "./node.ts";
import type { BinaryOperator } from "./parser.ts";

function isEqual(left: Value, right: Value): boolean {
  if (left === right) return true;
  if (left === null || right === null) return false;
  if (typeof left === "string" || typeof right === "string") return toText(left) === toText(right);
  return typeof left === typeof right ? false : toNumber(left) === toNumber(right);
}

/** Below 0, 0 or above 0. */
function compareValues(left: Value, right: Value): number {
  if (typeof left === "string" && typeof right === "string") return compareText(left, right);
  if (typeof left === "bigint" && typeof right === "bigint") return left < right ? -1 : left > right ? 1 : 0;
  return toNumber(left) - toNumber(right);
}

type Comparison = "<" | "<=" | ">" | ">=";
const byNumbers: Readonly<Record<Comparison, (l: Closure<number>, r: Closure<number>) => Closure<boolean>>> = {
  "<": (l, r) => (row, now) => finite(l(row, now)) < finite(r(row, now)),
  "<=": (l, r) => (row, now) => finite(l(row, now)) <= finite(r(row, now)),
  ">": (l, r) => (row, now) => finite(l(row, now)) > finite(r(row, now)),
  ">=": (l, r) => (row, now) => finite(l(row, now)) >= finite(r(row, now)),
};
const byValues: Readonly<Record<Comparison, (l: Closure<Value>, r: Closure<Value>) => Closure<boolean>>> = {
  "<": (l, r) => (row, now) => compareValues(l(row, now), r(row, now)) < 0,
  "<=": (l, r) => (row, now) => compareValues(l(row, now), r(row, now)) <= 0,
  ">": (l, r) => (row, now) => compareValues(l(row, now), r(row, now)) > 0,
  ">=": (l, r) => (row, now) => compareValues(l(row, now), r(row, now)) >= 0,
};

const truth = (run: Closure<boolean>): Node => ({ kind: "boolean", run });
const number = (run: Closure<number>): Node => ({ kind: "number", run });

type Arithmetic = "+" | "-" | "*" | "/" | "%";

/** The shapes that make up most expressions have closures of their own: a call saved is a third of what they cost. */
interface Shapes {
  nodes(l: Closure<number>, r: Closure<number>): Closure<number>;
  constant(l: Closure<number>, r: number): Closure<number>;
}
// What is divided by 0 is not finite, and so null.
const arithmetic: Readonly<Record<Arithmetic, Shapes>> = {
  "+": {
    nodes: (l, r) => (row, now) => finite(l(row, now)) + finite(r(row, now)),
    constant: (l, r) => (row, now) => finite(l(row, now)) + r,
  },
  "-": {
    nodes: (l, r) => (row, now) => finite(l(row, now)) - finite(r(row, now)),
    constant: (l, r) => (row, now) => finite(l(row, now)) - r,
  },
  "*": {
    nodes: (l, r) => (row, now) => finite(l(row, now)) * finite(r(row, now)),
    constant: (l, r) => (row, now) => finite(l(row, now)) * r,
  },
  "/": {
    nodes: (l, r) => (row, now) => finite(l(row, now)) / finite(r(row, now)),
    constant: (l, r) => (row, now) => finite(l(row, now)) / r,
  },
  "%": {
    nodes: (l, r) => (row, now) => finite(l(row, now)) % finite(r(row, now)),
    constant: (l, r) => (row, now) => finite(l(row, now)) % r,
  },
};

function arithmeticNode(operator: Arithmetic, left: Node, right: Node): Node {
  const shapes = arithmetic[operator];
  const l = asRawNumber(left);
  if (right.constant !== undefined) return number(shapes.constant(l, toNumber(right.constant)));
  return number(shapes.nodes(l, asRawNumber(right)));
}

/** Whether two values are equal; a constant null is compared with at once. */
function equality(left: Node, right: Node): Closure<boolean> {
  if (right.constant === null || left.constant === null) {
    const value = asValue(right.constant === null ? left : right);
    return (row, now) => value(row, now) === null;
  }
  const [l, r] = [asValue(left), asValue(right)];
  return (row, now) => isEqual(l(row, now), r(row, now));
}

export function binaryNode(operator: Exclude<BinaryOperator, "??">, left: Node, right: Node, meter: TextMeter): Node {
  const node = combine(operator, left, right, meter);
  // What depends on no row is computed once. Literals are far too short to meet a limit.
  return left.constant === undefined || right.constant === undefined ? node : constantNode(asValue(node)([], 0));
}

function combine(operator: Exclude<BinaryOperator, "??">, left: Node, right: Node, meter: TextMeter): Node {
  switch (operator) {
    case "&&": {
      const [l, r] = [asTruth(left), asTruth(right)];
      return truth((row, now) => l(row, now) && r(row, now));
    }
    case "||": {
      const [l, r] = [asTruth(left), asTruth(right)];
      return truth((row, now) => l(row, now) || r(row, now));
    }
    case "==":
      return truth(equality(left, right));
    case "!=": {
      const isSame = equality(left, right);
      return truth((row, now) => !isSame(row, now));
    }
    case "<":
    case "<=":
    case ">":
    case ">=":
      return truth(
        mayBeText(left) && mayBeText(right)
          ? byValues[operator](asValue(left), asValue(right))
          : byNumbers[operator](asRawNumber(left), asRawNumber(right)),
      );
    case "+":
      return sumNode(left, right, meter);
    case "-":
    case "*":
    case "/":
    case "%":
      return arithmeticNode(operator, left, right);
  }
}

function sumNode(left: Node, right: Node, meter: TextMeter): Node {
  if (left.kind === "text" || right.kind === "text") {
    const [l, r] = [asText(left), asText(right)];
    return { kind: "text", run: (row, now) => meter.made(l(row, now) + r(row, now)) };
  }
  if (!mayBeText(left) && !mayBeText(right)) return arithmeticNode("+", left, right);
  const [l, r] = [asValue(left), asValue(right)];
  const run: Closure<Value> = (row, now) => {
    const a = l(row, now);
    const b = r(row, now);
    if (typeof a === "string" || typeof b === "string") return meter.made(toText(a) + toText(b));
    const sum = toNumber(a) + toNumber(b);
    return Number.isFinite(sum) ? sum : null;
  };
  return { kind: "value", run, mayBeText: true };
}

/** The first that is not null; the others after it are not evaluated. */
export function coalesceNode(nodes: readonly Node[]): Node {
  const last = nodes.at(-1) as Node;
  const slots = nodes.flatMap(({ slot }) => (slot === undefined ? [] : [slot]));
  if (slots.length === nodes.length) {
    const run: Closure<Value> = (row) => {
      for (const slot of slots) {
        const value = row[slot];
        if (value !== null && value !== undefined) return value;
      }
      return null;
    };
    return { kind: "value", run, mayBeText: nodes.some(mayBeText) };
  }
  const run = nodes.slice(0, -1).reduceRight((next, node) => {
    const { slot } = node;
    if (slot !== undefined) return (row, now) => row[slot] ?? next(row, now);
    const value = asValue(node);
    return (row, now) => value(row, now) ?? next(row, now);
  }, asValue(last));
  return { kind: "value", run, mayBeText: nodes.some(mayBeText) };
}
