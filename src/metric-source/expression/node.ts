// A compiled piece of an expression: a closure of the kind that it naturally yields, and the ways to read it as another kind. Choosing
// the closure when compiling keeps coercions, and null, out of the inner loop.
import { decimalText, toNumber, toText, toTruth } from "../coercions.ts";
import type { Row, Value } from "../value.ts";

/** Evaluates over a row at an instant, in milliseconds since the epoch. */
export type Closure<T> = (row: Row, nowMs: number) => T;

/** What is known of a node besides its closure, for shorter closures: the value it always has, or the slot that it reads. */
interface Known {
  readonly constant?: Value;
  readonly slot?: number;
}

/**
 * `number` closures say null by a number that is not finite; `text` and `boolean` closures have no null. `mayBeText` says of a `value`
 * whether it can be a text.
 */
export type Node = Known & Run;
type Run =
  | { readonly kind: "number"; readonly run: Closure<number> }
  | { readonly kind: "text"; readonly run: Closure<string> }
  | { readonly kind: "boolean"; readonly run: Closure<boolean> }
  | { readonly kind: "value"; readonly run: Closure<Value>; readonly mayBeText: boolean };

/** A number, 0 for what is not finite. */
export const finite = (number: number): number => (number - number === 0 ? number : 0);

/** Any value, with null for numbers that are not finite. */
export function asValue(node: Node): Closure<Value> {
  if (node.kind !== "number") return node.run;
  const { run } = node;
  return (row, nowMs) => {
    const number = run(row, nowMs);
    return number - number === 0 ? number : null;
  };
}

/** A finite number. */
export function asNumber(node: Node): Closure<number> {
  if (node.kind !== "number") return asRawNumber(node);
  const { run } = node;
  return (row, nowMs) => finite(run(row, nowMs));
}

/** A number that is not finite where it is null: for callers that read it through `finite` themselves. */
export function asRawNumber(node: Node): Closure<number> {
  switch (node.kind) {
    case "number":
      return node.run;
    case "boolean": {
      const { run } = node;
      return (row, nowMs) => (run(row, nowMs) ? 1 : 0);
    }
    case "text": {
      const { run } = node;
      return (row, nowMs) => toNumber(run(row, nowMs));
    }
    case "value": {
      const { run, slot } = node;
      if (slot !== undefined) {
        return (row) => {
          const value = row[slot];
          return typeof value === "number" ? value : toNumber(value ?? null);
        };
      }
      return (row, nowMs) => {
        const value = run(row, nowMs);
        return typeof value === "number" ? value : toNumber(value);
      };
    }
  }
}

/** A text. */
export function asText(node: Node): Closure<string> {
  switch (node.kind) {
    case "text":
      return node.run;
    case "number": {
      const { run } = node;
      return (row, nowMs) => {
        const number = run(row, nowMs);
        return number - number === 0 ? decimalText(number) : "";
      };
    }
    case "boolean": {
      const { run } = node;
      return (row, nowMs) => (run(row, nowMs) ? "true" : "false");
    }
    case "value": {
      const { run, slot } = node;
      if (slot !== undefined) {
        return (row) => {
          const value = row[slot];
          return typeof value === "string" ? value : toText(value ?? null);
        };
      }
      return (row, nowMs) => {
        const value = run(row, nowMs);
        return typeof value === "string" ? value : toText(value);
      };
    }
  }
}

/** A truth. */
export function asTruth(node: Node): Closure<boolean> {
  switch (node.kind) {
    case "boolean":
      return node.run;
    case "number": {
      const { run } = node;
      return (row, nowMs) => finite(run(row, nowMs)) !== 0;
    }
    case "text": {
      const { run } = node;
      return (row, nowMs) => run(row, nowMs) !== "";
    }
    case "value": {
      const { run } = node;
      return (row, nowMs) => toTruth(run(row, nowMs));
    }
  }
}

/** Whether the node can yield a text. */
export const mayBeText = (node: Node): boolean => node.kind === "text" || (node.kind === "value" && node.mayBeText);

/** A node that always has one value. */
export function constantNode(value: Value): Node {
  switch (typeof value) {
    case "string":
      return { kind: "text", run: () => value, constant: value };
    case "number":
      return { kind: "number", run: () => value, constant: value };
    case "boolean":
      return { kind: "boolean", run: () => value, constant: value };
    default:
      return { kind: "value", run: () => value, mayBeText: false, constant: value };
  }
}
