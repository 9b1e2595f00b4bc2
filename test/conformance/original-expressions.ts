// What the original reads of an expression, and where it evaluates it wrongly, told from the types of what it reads. A reading of the
// grammar in the contract, by itself: no code of the hub is used.

/** `integer` is what fields of whole numbers hold, which the original keeps apart from other numbers; `any`: not known. */
type Kind = "text" | "number" | "integer" | "truth" | "null" | "any";

/** The declared type of a field or of an earlier computed value. */
export type TypeOf = (name: string) => string | undefined;

interface Token {
  readonly kind: "number" | "text" | "name" | "sign" | "end";
  readonly text: string;
}

const tokenPattern =
  /[ \t\r\n]*(?:(\d[\d.]*)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|([A-Za-z_]\w*)|(\?\?|\|\||&&|[=!<>]=|[-+*/%<>!(),]))/sy;

/** The tokens up to the first character that is none; `isWhole`: there is no such character. */
function tokensOf(text: string): { readonly tokens: readonly Token[]; readonly isWhole: boolean } {
  const tokens: Token[] = [];
  tokenPattern.lastIndex = 0;
  let end = 0;
  for (let match = tokenPattern.exec(text); match !== null; match = tokenPattern.exec(text)) {
    const [, number, quoted, name, sign] = match;
    end = tokenPattern.lastIndex;
    if (number !== undefined) tokens.push({ kind: "number", text: number });
    else if (quoted !== undefined) tokens.push({ kind: "text", text: quoted });
    else if (name !== undefined) tokens.push({ kind: "name", text: name });
    else tokens.push({ kind: "sign", text: sign as string });
  }
  return { tokens, isWhole: /^[ \t\r\n]*$/.test(text.slice(end)) };
}

interface Signature {
  readonly least: number;
  readonly most: number;
  readonly takes: "number" | "any";
  readonly gives: Kind;
}

const many = Number.POSITIVE_INFINITY;
const signatures: ReadonlyMap<string, Signature> = new Map([
  ...["lower", "upper", "toString"].map((name) => signature(name, 1, 1, "any", "text")),
  ...["contains", "startsWith", "endsWith"].map((name) => signature(name, 2, 2, "any", "truth")),
  ...["floor", "ceil", "abs", "toNumber"].map((name) => signature(name, 1, 1, "number", "number")),
  ...["min", "max"].map((name) => signature(name, 2, 2, "number", "number")),
  signature("round", 1, 2, "number", "number"),
  signature("concat", 1, many, "any", "text"),
  signature("len", 1, 1, "any", "number"),
  signature("substr", 2, 3, "any", "text"),
  signature("coalesce", 1, many, "any", "any"),
  signature("now", 0, 0, "any", "text"),
  signature("age", 1, 1, "any", "number"),
  signature("formatBytes", 1, 1, "number", "text"),
]);

function signature(name: string, least: number, most: number, takes: Signature["takes"], gives: Kind) {
  return [name, { least, most, takes, gives }] as const;
}

const levels = [["??"], ["||"], ["&&"], ["==", "!="], ["<", "<=", ">", ">="], ["+", "-"], ["*", "/", "%"]];
const end: Token = { kind: "end", text: "" };
const mayBeText = (kind: Kind): boolean => kind === "text" || kind === "any";
const either = (a: Kind, b: Kind): Kind => (a === b || b === "null" ? a : a === "null" ? b : "any");

class Refused extends Error {}

/** Reads one expression as the original does, as far as it takes it. Throws Refused where the original does not compile it. */
class Reading {
  readonly #tokens: readonly Token[];
  readonly #typeOf: TypeOf;
  #at = 0;
  /** Calls that fail only when they are evaluated. */
  hasBadCall = false;
  /** An operation whose result is wrong. */
  isWrong = false;

  constructor(tokens: readonly Token[], typeOf: TypeOf) {
    this.#tokens = tokens;
    this.#typeOf = typeOf;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  expression(level = 0): Kind {
    const signs = levels[level];
    if (signs === undefined) return this.#unary();
    let left = this.expression(level + 1);
    for (let sign = this.#sign(signs); sign !== undefined; sign = this.#sign(signs)) {
      left = this.#combined(sign, left, this.expression(level + 1));
    }
    return left;
  }

  #sign(signs: readonly string[]): string | undefined {
    const { kind, text } = this.#tokens[this.#at] ?? end;
    if (kind !== "sign" || !signs.includes(text)) return undefined;
    this.#at++;
    return text;
  }

  #combined(sign: string, left: Kind, right: Kind): Kind {
    const hasText = mayBeText(left) || mayBeText(right);
    switch (sign) {
      case "??":
        return either(left, right);
      case "||":
      case "&&":
        return "truth";
      case "+":
        return left === "text" || right === "text" ? "text" : hasText ? "any" : "number";
      case "==":
      case "!=":
        this.isWrong ||= !isEqualityRight(left, right);
        return "truth";
      case "%":
        this.isWrong = true;
        return "number";
      default:
        this.isWrong ||= hasText;
        return /[<>]/.test(sign) ? "truth" : "number";
    }
  }

  #unary(): Kind {
    const sign = this.#sign(["!", "-"]);
    if (sign === undefined) return this.#primary();
    const operand = this.#unary();
    if (sign === "!") return "truth";
    this.isWrong ||= mayBeText(operand);
    return "number";
  }

  #primary(): Kind {
    const { kind, text } = this.#tokens[this.#at++] ?? end;
    switch (kind) {
      case "number":
        if (text.split(".").length > 2) throw new Refused();
        return "number";
      case "text":
        this.isWrong ||= text.includes("\\");
        return "text";
      case "name":
        return this.#sign(["("]) === undefined ? this.#name(text) : this.#call(text);
      case "sign": {
        const inner = text === "(" ? this.expression() : undefined;
        if (inner === undefined || this.#sign([")"]) === undefined) throw new Refused();
        return inner;
      }
      case "end":
        throw new Refused();
    }
  }

  #name(name: string): Kind {
    if (/^(?:true|false)$/i.test(name)) return "truth";
    if (/^(?:null|nil)$/i.test(name)) return "null";
    return kindOf(this.#typeOf(name));
  }

  #call(name: string): Kind {
    const args: Kind[] = [];
    if (this.#sign([")"]) === undefined) {
      do args.push(this.expression());
      while (this.#sign([","]) !== undefined);
      if (this.#sign([")"]) === undefined) throw new Refused();
    }
    const found = signatures.get(name);
    if (found === undefined || args.length < found.least || args.length > found.most) {
      this.hasBadCall ||= name !== "if";
      this.isWrong = true;
      return "any";
    }
    const numbers = found.takes === "number" ? args : name === "substr" ? args.slice(1) : [];
    this.isWrong ||= numbers.some(mayBeText);
    return name === "coalesce" ? args.reduce(either) : found.gives;
  }
}

/** Whether the original's equality, which converts to the left one's type, comes to what a symmetric one comes to. */
function isEqualityRight(left: Kind, right: Kind): boolean {
  if (left === "null" || right === "null" || left === "text") return true;
  if (left === "number") return right === "number" || right === "integer";
  return left === "truth" && right === "truth";
}

function kindOf(type: string | undefined): Kind {
  if (type === "string" || type === "timestamp") return "text";
  if (type === "integer" || type === "quantity" || type === "arrayLength") return "integer";
  if (type === "float") return "number";
  return type === "boolean" ? "truth" : "any";
}

export interface ExpressionFacts {
  /** The original accepts it though it is not whole, or calls what cannot be called; `refused`: it does not compile there. */
  readonly compiles: "rightly" | "wrongly" | "refused";
  /** An operation in it gives a wrong result in the original. */
  readonly isWrong: boolean;
  /** The result depends on the time of day. */
  readonly isOfTheClock: boolean;
  /** The values that it reads. */
  readonly names: readonly string[];
}

/** @param resultType the computed value's declared type */
export function expressionFacts(text: string, resultType: string, typeOf: TypeOf): ExpressionFacts {
  const { tokens, isWhole } = tokensOf(text);
  const isCall = (i: number): boolean => tokens[i + 1]?.text === "(";
  const words = tokens.flatMap(({ kind, text: word }, i) => (kind === "name" ? [{ word, isCall: isCall(i) }] : []));
  const isOfTheClock = words.some(({ word, isCall: called }) => called && (word === "now" || word === "age"));
  const names = words.flatMap(({ word, isCall: called }) => (called ? [] : [word]));
  const reading = new Reading(tokens, typeOf);
  try {
    const kind = reading.expression();
    const isConverted = /^(?:integer|float)$/.test(resultType) && mayBeText(kind);
    const isWrongly = !isWhole || !reading.isAtEnd || reading.hasBadCall;
    return {
      compiles: isWrongly ? "wrongly" : "rightly",
      isWrong: isWrongly || reading.isWrong || isConverted,
      isOfTheClock,
      names,
    };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    // An open quote ends a text in the original.
    return { compiles: /["']/.test(text) && !isWhole ? "wrongly" : "refused", isWrong: true, isOfTheClock, names };
  }
}

/** Whether it holds what the hub reads and the original cannot: exponents, a leading dot, names in other letters. */
export const isBeyondTheOriginal = (text: string): boolean =>
  /\d[eE][+-]?\d|(?:^|[^\w)])\.\d|[^\x20-\x7e\s]/.test(text);
