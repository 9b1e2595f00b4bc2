// Expression text to tokens. Linear in the text: every character is looked at a bounded number of times, and `steps` counts the looks.
// Everything that is no token is a problem with its column; reading goes on behind it, so that all of them are found at once.

export type TokenKind = "number" | "text" | "name" | "operator" | "end";

export interface Token {
  readonly kind: TokenKind;
  /** Names and operators as written; the decoded value of a text; the digits of a number. */
  readonly text: string;
  /** From 1, in UTF-16 code units. */
  readonly column: number;
}

/** What is wrong with an expression, where, and what would be right. */
export interface ExpressionProblem {
  /** From 1, in UTF-16 code units. */
  readonly column: number;
  readonly message: string;
}

export interface Lexed {
  readonly tokens: readonly Token[];
  readonly problems: readonly ExpressionProblem[];
  readonly steps: number;
}

const escapes: Readonly<Record<string, string>> = { '"': '"', "'": "'", "\\": "\\", n: "\n", t: "\t", r: "\r" };
const hints: Readonly<Record<string, string>> = {
  "=": "compare with ==",
  "&": "write &&",
  "|": "write ||",
  "?": "write if(condition, a, b), or a ?? b for a default",
  ":": "write if(condition, a, b)",
  ".": "fields have plain names: take the value with a path of its own",
  "[": "fields have plain names: take the value with a path of its own",
  "^": "there is no power operator",
};
const blank = /[ \t\r\n]*/y;
const number = /\d[\d.]*(?:[eE][+-]?\d+)?/y;
const wellFormedNumber = /^\d+(?:\.\d*)?(?:[eE][+-]?\d+)?$/;
const name = /[\p{L}_][\p{L}\p{N}\p{M}_]*/uy;
const operator = /\?\?|==|!=|<=|>=|&&|\|\||[-+*/%<>!(),]/y;

/** The tokens of an expression, the last of them "end", and all that is none. Never throws. */
export function lex(text: string): Lexed {
  const tokens: Token[] = [];
  const problems: ExpressionProblem[] = [];
  let at = 0;
  let steps = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    steps += 1 + (found?.length ?? 0);
    if (found !== undefined) at += found.length;
    return found;
  };
  for (;;) {
    match(blank);
    if (at >= text.length) break;
    const column = at + 1;
    const first = text[at] as string;
    if (first === '"' || first === "'") {
      const { value, end } = readText(text, at);
      steps += end - at;
      at = end;
      tokens.push({ kind: "text", text: value ?? "", column });
      if (value === undefined) problems.push({ column, message: `this text has no closing ${first}` });
      continue;
    }
    const digits = match(number);
    if (digits !== undefined) {
      tokens.push({ kind: "number", text: digits, column });
      const problem = numberProblem(digits, column);
      const unit = match(name);
      if (problem !== undefined) problems.push(problem);
      else if (unit !== undefined) {
        problems.push({
          column,
          message: `"${digits}${unit}" is not a number: numbers are digits with a point or an exponent, without units`,
        });
      }
      continue;
    }
    const word = match(name);
    if (word !== undefined) {
      tokens.push({ kind: "name", text: word, column });
      continue;
    }
    const sign = match(operator);
    if (sign !== undefined) {
      tokens.push({ kind: "operator", text: sign, column });
      continue;
    }
    const character = String.fromCodePoint(text.codePointAt(at) as number);
    at += character.length;
    const hint = hints[character];
    problems.push({
      column,
      message: `${shown(character)} means nothing here${hint === undefined ? "" : `; ${hint}`}`,
    });
  }
  tokens.push({ kind: "end", text: "", column: text.length + 1 });
  return { tokens, problems, steps };
}

const shown = (character: string): string =>
  /[\p{L}\p{N}\p{P}\p{S}]/u.test(character)
    ? `"${character}"`
    : `the character U+${(character.codePointAt(0) as number).toString(16).toUpperCase().padStart(4, "0")}`;

function numberProblem(digits: string, column: number): ExpressionProblem | undefined {
  if (!wellFormedNumber.test(digits))
    return { column, message: `"${digits}" is not a number: it has one point too many` };
  if (!Number.isFinite(Number(digits))) return { column, message: `"${digits}" is too large for a number` };
  return undefined;
}

/** The value of the text that begins at `start`, undefined when it is never closed, and where it ends. Unknown escapes stay as they are. */
function readText(text: string, start: number): { value: string | undefined; end: number } {
  const quote = text[start] as string;
  let value = "";
  let from = start + 1;
  for (let at = from; at < text.length; at++) {
    const character = text[at] as string;
    if (character === quote) return { value: value + text.slice(from, at), end: at + 1 };
    if (character !== "\\" || at + 1 >= text.length) continue;
    const decoded = escapes[text[at + 1] as string];
    if (decoded !== undefined) {
      value += text.slice(from, at) + decoded;
      from = at + 2;
    }
    at++;
  }
  return { value: undefined, end: text.length };
}
