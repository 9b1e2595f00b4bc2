// Tokens to a tree, by precedence climbing. All binary operators associate to the left. One syntax problem ends the reading, since what
// follows it is guesswork; names are checked on the tokens elsewhere. Linear: `steps` counts the tokens looked at.

import type { ExpressionProblem, Token } from "./lexer.ts";
import { maxCallNesting, maxNesting } from "./limits.ts";

export type BinaryOperator = "??" | "||" | "&&" | "==" | "!=" | "<" | "<=" | ">" | ">=" | "+" | "-" | "*" | "/" | "%";

export type Expression =
  | { readonly kind: "literal"; readonly value: string | number | boolean | null; readonly column: number }
  | { readonly kind: "name"; readonly name: string; readonly column: number }
  | { readonly kind: "unary"; readonly operator: "-" | "!"; readonly operand: Expression; readonly column: number }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly left: Expression;
      readonly right: Expression;
      readonly column: number;
    }
  | { readonly kind: "call"; readonly name: string; readonly args: readonly Expression[]; readonly column: number };

export type Parsed =
  | { readonly ok: true; readonly tree: Expression; readonly steps: number }
  | { readonly ok: false; readonly problem: ExpressionProblem; readonly steps: number };

const precedences: ReadonlyMap<string, number> = new Map(
  [["??"], ["||"], ["&&"], ["==", "!="], ["<", "<=", ">", ">="], ["+", "-"], ["*", "/", "%"]].flatMap((signs, level) =>
    signs.map((sign): [string, number] => [sign, level]),
  ),
);

/** The words that are values, in any case. */
export const keywords: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ["true", true],
  ["false", false],
  ["null", null],
  ["nil", null],
]);

/** Ends the reading; never leaves this file. */
class Unreadable extends Error {
  readonly problem: ExpressionProblem;

  constructor(column: number, message: string) {
    super(message);
    this.problem = { column, message };
  }
}

/** The tree of an expression's tokens, or what keeps them from being one. */
export function parse(tokens: readonly Token[]): Parsed {
  const parser = new Parser(tokens);
  try {
    return { ok: true, tree: parser.whole(), steps: parser.steps };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { ok: false, problem: error.problem, steps: parser.steps };
  }
}

class Parser {
  steps = 0;
  private readonly tokens: readonly Token[];
  private at = 0;
  private groups = 0;
  private calls = 0;

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens;
  }

  whole(): Expression {
    const tree = this.binary(0);
    const token = this.peek();
    if (token.kind !== "end") {
      const what =
        token.text === ")" ? 'this ")" closes nothing' : `expected an operator or the end, found ${shown(token)}`;
      throw new Unreadable(token.column, what);
    }
    return tree;
  }

  private peek(): Token {
    this.steps++;
    return this.tokens[this.at] as Token;
  }

  private take(sign: string): boolean {
    const token = this.peek();
    if (token.kind !== "operator" || token.text !== sign) return false;
    this.at++;
    return true;
  }

  private binary(level: number): Expression {
    let left = this.unary();
    for (;;) {
      const token = this.peek();
      const found = token.kind === "operator" ? precedences.get(token.text) : undefined;
      if (found === undefined || found < level) return left;
      this.at++;
      const right = this.binary(found + 1);
      left = { kind: "binary", operator: token.text as BinaryOperator, left, right, column: token.column };
    }
  }

  private unary(): Expression {
    const token = this.peek();
    if (token.kind !== "operator" || (token.text !== "-" && token.text !== "!")) return this.primary();
    this.at++;
    this.enter(token);
    const operand = this.unary();
    this.groups--;
    return { kind: "unary", operator: token.text, operand, column: token.column };
  }

  private primary(): Expression {
    const token = this.peek();
    const { column, text } = token;
    switch (token.kind) {
      case "number":
        this.at++;
        return { kind: "literal", value: Number(text), column };
      case "text":
        this.at++;
        return { kind: "literal", value: text, column };
      case "name": {
        this.at++;
        const value = keywords.get(text.toLowerCase());
        if (value !== undefined) return { kind: "literal", value, column };
        return this.take("(") ? this.call(token) : { kind: "name", name: text, column };
      }
      case "operator": {
        if (!this.take("(")) throw new Unreadable(column, `expected a value, found ${shown(token)}`);
        this.enter(token);
        const inner = this.binary(0);
        this.groups--;
        if (!this.take(")")) throw this.unclosed(token);
        return inner;
      }
      case "end":
        throw new Unreadable(
          column,
          this.tokens.length === 1 ? "the expression is empty" : "expected a value, found the end",
        );
    }
  }

  private call({ text: name, column }: Token): Expression {
    if (++this.calls > maxCallNesting) {
      throw new Unreadable(column, `nested too deep: at most ${maxCallNesting} calls may stand within one another`);
    }
    const args: Expression[] = [];
    if (!this.take(")")) {
      do args.push(this.binary(0));
      while (this.take(","));
      if (!this.take(")")) throw this.unclosed({ kind: "name", text: `${name}(`, column });
    }
    this.calls--;
    return { kind: "call", name, args, column };
  }

  private enter(token: Token): void {
    if (++this.groups > maxNesting) {
      throw new Unreadable(
        token.column,
        `nested too deep: at most ${maxNesting} groups and unary operators may stand within one another`,
      );
    }
  }

  private unclosed(opening: Token): Unreadable {
    const found = this.peek();
    return new Unreadable(
      found.column,
      `expected ")" for the "${opening.text}" of column ${opening.column}, found ${shown(found)}`,
    );
  }
}

function shown(token: Token): string {
  if (token.kind === "end") return "the end";
  return token.kind === "text" ? `the text ${JSON.stringify(token.text.slice(0, 40))}` : `"${token.text.slice(0, 40)}"`;
}
