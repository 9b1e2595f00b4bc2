// Follows a path through an object as JSON.parse gives it. Keys are data: only an object's own members count, `__proto__` is a key like
// any other. Nothing throws; whatever does not fit is "nowhere".
import { managedFields } from "./composite.ts";
import type { PathStep } from "./path.ts";

/** What a path leads to in a value: undefined is nowhere; null was found. */
export type Resolve = (value: unknown) => unknown;

/**
 * Compiles the steps. A wildcard gives a list of what the rest of the path finds in each element, without those where it finds nothing;
 * a path through no list is nowhere. Wildcards in a row make lists of lists.
 */
export function compilePath(steps: readonly PathStep[]): Resolve {
  const keys = steps.flatMap((step) => (step.kind === "key" ? [step.key] : []));
  if (keys.length === steps.length && !keys.includes(managedFields)) return keyPath(keys);
  const [step, ...others] = steps as [PathStep, ...PathStep[]];
  const rest = compilePath(others);
  switch (step.kind) {
    case "key": {
      const { key } = step;
      if (key === managedFields) return (value) => rest(unlessList(member(value, key)));
      return (value) => rest(member(value, key));
    }
    case "index": {
      const { at } = step;
      return (value) => (Array.isArray(value) ? rest(value.at(at)) : undefined);
    }
    case "wildcard":
      return (value) =>
        Array.isArray(value) ? value.map((element) => rest(element)).filter((found) => found !== undefined) : undefined;
    case "nowhere":
      return () => undefined;
  }
}

/** The usual case in one loop. */
function keyPath(keys: readonly string[]): Resolve {
  const [first = "", second = ""] = keys;
  if (keys.length === 0) return (value) => value;
  if (keys.length === 1) return (value) => member(value, first);
  if (keys.length === 2) return (value) => member(member(value, first), second);
  return (value) => {
    let found = value;
    for (let at = 0; at < keys.length; at++) found = member(found, keys[at] as string);
    return found;
  };
}

/** The JSON lane cuts such lists out before it parses; so they are nowhere when they are still there. */
const unlessList = (value: unknown): unknown => (Array.isArray(value) ? undefined : value);

function member(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
}
