// Paths into an object, from text to plain data: `.spec.containers[0].image`, `.metadata.labels['app.kubernetes.io/name']`.
// A path is keys separated by dots; one or more leading dots and empty pieces mean nothing, and "." is the whole object. `[0]` picks an
// element of a list, `[-1:]` the last one, `[*]` all of them, `['a.b/c']` a key that holds dots; outside of quotes `\.` is a dot, too. The
// grammar takes all that the original takes, so text in brackets that is none of these (also `[-1]`, docs/decisions/0015), or a bracket that
// is never closed, is a path that leads nowhere: a warning here, not a problem. Does not look into objects; `resolve.ts` does.

/**
 * One step into an object. An index below 0 counts from the end of the list: -1 is its last element. `nowhere` is bracket text that cannot
 * be followed: it never leads to a value.
 */
export type PathStep =
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "index"; readonly at: number }
  | { readonly kind: "wildcard" }
  | { readonly kind: "nowhere"; readonly text: string };

/** Something worth saying about a text. The column counts characters from 1. */
export interface TextNote {
  readonly column: number;
  readonly message: string;
}

/** `looks` counts how often a character was looked at. */
export type ParsedPath =
  | {
      readonly ok: true;
      readonly steps: readonly PathStep[];
      readonly warnings: readonly TextNote[];
      readonly looks: number;
    }
  | { readonly ok: false; readonly problem: TextNote; readonly looks: number };

export const maxPathLength = 2048;
/** How deep a path may reach. */
export const maxPathSteps = 64;
/** Of one path. */
export const maxPathWarnings = 10;

/** The steps of a path, or the first thing that makes it unusable. Linear in the text, never throws. */
export function parsePath(text: string): ParsedPath {
  if (text === "")
    return { ok: false, problem: { column: 1, message: "must not be empty; write . for the whole object" }, looks: 0 };
  if (text.length > maxPathLength) {
    const message = `is longer than ${maxPathLength} characters`;
    return { ok: false, problem: { column: maxPathLength + 1, message }, looks: 0 };
  }
  return new PathParser(text).parse();
}

/** A path's steps in the form that stored definitions hold: keys as they are, indexes in brackets. */
export const pathSegments = (steps: readonly PathStep[]): readonly string[] => steps.map(segment);

function segment(step: PathStep): string {
  switch (step.kind) {
    case "key":
      return step.key;
    case "index":
      return step.at < 0 ? `[${step.at}:]` : `[${step.at}]`;
    case "wildcard":
      return "[*]";
    case "nowhere":
      return step.text;
  }
}

const integer = /^[+-]?\d+$/;
const fromTheEnd = /^-[1-9]\d*:$/;
const quotes = ["'", '"'];

class PathParser {
  readonly #text: string;
  readonly #steps: PathStep[] = [];
  readonly #warnings: TextNote[] = [];
  #at = 0;
  #looks = 0;
  /** The last closing bracket: from there on no look for one is worth it. */
  readonly #lastClose: number;

  constructor(text: string) {
    this.#text = text;
    this.#lastClose = text.lastIndexOf("]");
  }

  parse(): ParsedPath {
    const text = this.#text;
    if (text === "$" || text.startsWith("$.") || text.startsWith("{")) {
      this.#warn(0, "paths start at the object itself, without $ or {}: write .metadata.name");
    }
    while (this.#at < text.length) {
      const start = this.#at;
      const character = text[start];
      const problem = character === "[" ? this.#bracket() : this.#key();
      if (problem !== undefined) return { ok: false, problem, looks: this.#looks };
      if (this.#steps.length > maxPathSteps) {
        const problem = { column: start + 1, message: `has more than ${maxPathSteps} steps` };
        return { ok: false, problem, looks: this.#looks };
      }
    }
    return { ok: true, steps: this.#steps, warnings: this.#warnings, looks: this.#looks };
  }

  /** Up to the next dot or bracket. Only there a backslash is special: before a dot, an opening bracket and another backslash. */
  #key(): undefined {
    const text = this.#text;
    let key = "";
    for (; this.#at < text.length; this.#at++) {
      this.#looks += 2;
      const character = text[this.#at];
      const next = text[this.#at + 1];
      if (character === "\\" && (next === "." || next === "[" || next === "\\")) {
        key += next;
        this.#at++;
      } else if (character === "." || character === "[") break;
      else key += character;
    }
    if (text[this.#at] === ".") this.#at++;
    if (key !== "") this.#steps.push({ kind: "key", key });
  }

  #bracket(): TextNote | undefined {
    const text = this.#text;
    const open = this.#at;
    if (quotes.includes(text[open + 1] ?? "")) return this.#quoted(open);
    const close = open > this.#lastClose ? -1 : text.indexOf("]", open);
    this.#looks += 2 + Math.max(0, close - open);
    if (close === -1) {
      this.#warn(open, "this bracket is never closed; write an index such as [0]");
      this.#at = open + 1;
      return this.#key();
    }
    this.#at = close + 1;
    const content = text.slice(open + 1, close);
    if (content === "*") this.#steps.push({ kind: "wildcard" });
    else if (fromTheEnd.test(content) && Number.isSafeInteger(Number.parseInt(content, 10)))
      this.#steps.push({ kind: "index", at: Number.parseInt(content, 10) });
    else if (integer.test(content) && Number(content) >= 0 && Number.isSafeInteger(Number(content)))
      this.#steps.push({ kind: "index", at: Math.abs(Number(content)) });
    else {
      const isNegative = integer.test(content) && Number(content) < 0;
      const right = isNegative
        ? `[0] is the first element, and [${content}:] counts from the end`
        : "brackets take an index such as [0] or, from the end, [-1:], or [*], or a quoted key such as ['a.b']";
      this.#warn(open, `leads nowhere: ${right}`);
      this.#steps.push({ kind: "nowhere", text: `[${content}]` });
    }
    return undefined;
  }

  /** A key in quotes. Within it a backslash stands before the quote or another backslash. */
  #quoted(open: number): TextNote | undefined {
    const text = this.#text;
    const quote = text[open + 1];
    let key = "";
    let at = open + 2;
    for (; at < text.length && text[at] !== quote; at++) {
      this.#looks += 2;
      const next = text[at + 1];
      if (text[at] === "\\" && (next === quote || next === "\\")) at++;
      key += text[at];
    }
    if (at >= text.length)
      return { column: open + 2, message: `this quote is never closed; end the key with ${quote}]` };
    if (text[at + 1] !== "]") return { column: at + 2, message: "must be ] after a quoted key" };
    this.#at = at + 2;
    this.#steps.push({ kind: "key", key });
    return undefined;
  }

  #warn(at: number, message: string): void {
    if (this.#warnings.length < maxPathWarnings) this.#warnings.push({ column: at + 1, message });
  }
}
