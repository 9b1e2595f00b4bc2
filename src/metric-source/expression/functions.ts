// The functions of the language. Texts are counted and cut by code points; letters are mapped one for one, so "ß" stays. Rounding goes
// half away from zero. `age` and `now` read the instant that the evaluation is given, never a clock.
import { toNumber } from "../coercions.ts";
import { parseRfc3339 } from "../rfc3339.ts";
import { maxTextLength, type TextMeter } from "./limits.ts";
import { asNumber, asRawNumber, asText, asTruth, asValue, type Closure, finite, mayBeText, type Node } from "./node.ts";
import { coalesceNode } from "./operators.ts";

interface FunctionDefinition {
  readonly min: number;
  readonly max: number;
  /** What the arguments are used as; the last one stands for all that follow. For checking types. */
  readonly takes: readonly ("number" | "text" | "time" | "any")[];
  /** The node for arguments of the right count. */
  build(args: readonly Node[], meter: TextMeter): Node;
}

const two63 = 2 ** 63;
const units = ["B", "Ki", "Mi", "Gi", "Ti", "Pi"];

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false;
  return true;
}

const upperCase = (text: string): string => {
  if (isAscii(text)) return text.toUpperCase();
  return Array.from(text, (character) => {
    const upper = character.toUpperCase();
    return [...upper].length === 1 ? upper : character;
  }).join("");
};
const lowerCase = (text: string): string => {
  if (isAscii(text)) return text.toLowerCase();
  return Array.from(text, (character) => [...character.toLowerCase()][0]).join("");
};

/** Code points of a text. */
function lengthOf(text: string): number {
  let length = text.length;
  for (let i = 0; i + 1 < text.length; i++) {
    if ((text.charCodeAt(i) & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      length--;
      i++;
    }
  }
  return length;
}

/** `length` code points from `start`; nothing when they begin outside of the text or are fewer than one. */
function substring(text: string, start: number, length: number): string {
  const from = Math.trunc(start);
  const count = Math.trunc(length);
  if (from < 0 || count <= 0) return "";
  if (lengthOf(text) === text.length) return text.slice(from, from + count);
  return [...text].slice(from, from + count).join("");
}

/** Half away from zero, in units of 1/scale. Not finite where that cannot be computed. */
function roundAt(value: number, scale: number): number {
  const scaled = value * scale;
  return (scaled < 0 ? -Math.round(-scaled) : Math.round(scaled)) / scale;
}

/** `1.50Ki`: two decimals, exact halves to the even digit, in the largest unit up to Pi that keeps the size at 1 or more. */
function formatBytes(bytes: number): string {
  let size = Math.abs(bytes);
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  const isTieBelowEven = (size * 8) % 4 === 1;
  const digits = size >= 1e21 ? `${BigInt(size)}.00` : (isTieBelowEven ? size - 0.005 : size).toFixed(2);
  return `${bytes < 0 ? "-" : ""}${digits}${units[unit]}`;
}

const nowText = (nowMs: number): string => `${new Date(Math.floor(nowMs)).toISOString().slice(0, 19)}Z`;

function numeric(min: number, max: number, compute: (a: number, b: number) => number): FunctionDefinition {
  return {
    min,
    max,
    takes: ["number"],
    build(args) {
      const a = asNumber(args[0] as Node);
      if (args.length === 1) return { kind: "number", run: (row, now) => compute(a(row, now), 0) };
      const b = asNumber(args[1] as Node);
      return { kind: "number", run: (row, now) => compute(a(row, now), b(row, now)) };
    },
  };
}

function textual(compute: (text: string) => string): FunctionDefinition {
  return {
    min: 1,
    max: 1,
    takes: ["text"],
    build([arg], meter) {
      const text = asText(arg as Node);
      return { kind: "text", run: (row, now) => meter.made(compute(text(row, now))) };
    },
  };
}

function search(compute: (text: string, part: string) => boolean): FunctionDefinition {
  return {
    min: 2,
    max: 2,
    takes: ["text"],
    build(args, meter) {
      const [text, part] = [asText(args[0] as Node), asText(args[1] as Node)];
      return { kind: "boolean", run: (row, now) => compute(meter.read(text(row, now)), part(row, now)) };
    },
  };
}

const concat: FunctionDefinition = {
  min: 1,
  max: Number.POSITIVE_INFINITY,
  takes: ["text"],
  build(args, meter) {
    const parts = args.map(asText);
    const [a, b, c] = parts as [Closure<string>, Closure<string>, Closure<string>];
    if (parts.length === 2) return { kind: "text", run: (row, now) => meter.made(a(row, now) + b(row, now)) };
    if (parts.length === 3) {
      return { kind: "text", run: (row, now) => meter.made(a(row, now) + b(row, now) + c(row, now)) };
    }
    return {
      kind: "text",
      run(row, now) {
        let joined = "";
        for (const part of parts) {
          joined += part(row, now);
          if (joined.length > maxTextLength) break;
        }
        return meter.made(joined);
      },
    };
  },
};

const round: FunctionDefinition = {
  min: 1,
  max: 2,
  takes: ["number"],
  build([value, decimals]) {
    const run = asRawNumber(value as Node);
    if (decimals === undefined || decimals.constant !== undefined) {
      const scale = 10 ** Math.trunc(toNumber(decimals?.constant ?? 0));
      return { kind: "number", run: (row, now) => roundAt(finite(run(row, now)), scale) };
    }
    const places = asNumber(decimals);
    return {
      kind: "number",
      run: (row, now) => roundAt(finite(run(row, now)), 10 ** Math.trunc(places(row, now))),
    };
  },
};

const substr: FunctionDefinition = {
  min: 2,
  max: 3,
  takes: ["text", "number"],
  build(args, meter) {
    const [text, start] = [asText(args[0] as Node), asNumber(args[1] as Node)];
    const length = args[2] === undefined ? () => two63 : asNumber(args[2]);
    return {
      kind: "text",
      run: (row, now) => meter.made(substring(meter.read(text(row, now)), start(row, now), length(row, now))),
    };
  },
};

const age: FunctionDefinition = {
  min: 1,
  max: 1,
  takes: ["time"],
  build([arg]) {
    const value = asValue(arg as Node);
    return {
      kind: "number",
      run(row, nowMs) {
        const time = value(row, nowMs);
        const atMs = typeof time === "string" ? parseRfc3339(time) : undefined;
        return atMs === undefined ? Number.NaN : (nowMs - atMs) / 1000;
      },
    };
  },
};

const choose: FunctionDefinition = {
  min: 3,
  max: 3,
  takes: ["any"],
  build(args) {
    const condition = asTruth(args[0] as Node);
    const [yes, no] = [args[1] as Node, args[2] as Node];
    const [a, b] = [asValue(yes), asValue(no)];
    const run = (row: Parameters<typeof a>[0], now: number) => (condition(row, now) ? a(row, now) : b(row, now));
    return { kind: "value", run, mayBeText: mayBeText(yes) || mayBeText(no) };
  },
};

/** Every function by its name; names are case-sensitive. */
export const functions: ReadonlyMap<string, FunctionDefinition> = new Map<string, FunctionDefinition>([
  ["concat", concat],
  ["lower", textual(lowerCase)],
  ["upper", textual(upperCase)],
  [
    "len",
    {
      min: 1,
      max: 1,
      takes: ["text"],
      build([arg], meter) {
        const text = asText(arg as Node);
        return { kind: "number", run: (row, now) => lengthOf(meter.read(text(row, now))) };
      },
    },
  ],
  ["substr", substr],
  ["contains", search((text, part) => text.includes(part))],
  ["startsWith", search((text, part) => text.startsWith(part))],
  ["endsWith", search((text, part) => text.endsWith(part))],
  ["round", round],
  ["floor", numeric(1, 1, Math.floor)],
  ["ceil", numeric(1, 1, Math.ceil)],
  ["abs", numeric(1, 1, Math.abs)],
  ["min", numeric(2, 2, Math.min)],
  ["max", numeric(2, 2, Math.max)],
  ["coalesce", { min: 1, max: Number.POSITIVE_INFINITY, takes: ["any"], build: coalesceNode }],
  ["if", choose],
  ["now", { min: 0, max: 0, takes: ["any"], build: () => ({ kind: "text", run: (_row, nowMs) => nowText(nowMs) }) }],
  ["age", age],
  [
    "formatBytes",
    {
      min: 1,
      max: 1,
      takes: ["number"],
      build([arg]) {
        const bytes = asNumber(arg as Node);
        return { kind: "text", run: (row, now) => formatBytes(bytes(row, now)) };
      },
    },
  ],
  ["toString", { min: 1, max: 1, takes: ["any"], build: ([arg]) => ({ kind: "text", run: asText(arg as Node) }) }],
  ["toNumber", numeric(1, 1, (value) => value)],
]);
