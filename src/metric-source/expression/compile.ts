// An expression, from text to a closure over rows. Everything that can be known to be wrong is found here, all at once, each with its
// column; what remains for the evaluation is null by the rules of the language, or a limit (ExpressionLimitError). Pure: the same text and
// environment always give the same result.
import { didYouMean } from "../suggest.ts";
import type { Environment, Row, Value, ValueType } from "../value.ts";
import { functions } from "./functions.ts";
import { type ExpressionProblem, lex, type Token } from "./lexer.ts";
import { maxExpressionLength, maxProblems, TextMeter } from "./limits.ts";
import { asNumber, asTruth, asValue, constantNode, type Node } from "./node.ts";
import { binaryNode, coalesceNode } from "./operators.ts";
import { type Expression, keywords, parse } from "./parser.ts";

export type { ExpressionProblem } from "./lexer.ts";

export type CompiledExpression =
  | {
      readonly ok: true;
      /**
       * The value for one row, not yet of the declared type: see coerceResult. `nowMs` is the instant of the collection, in milliseconds
       * since the epoch. Throws ExpressionLimitError, and nothing else.
       */
      readonly evaluate: (row: Row, nowMs: number) => Value;
      /** The names it reads, each once, in order of appearance. */
      readonly references: readonly string[];
      /** What it yields besides null, as far as that is known. */
      readonly type: "number" | "text" | "boolean" | "any";
    }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] };

/** Compiles an expression over the names of an environment. Never throws. */
export function compileExpression(text: string, environment: Environment): CompiledExpression {
  if (text.length > maxExpressionLength) {
    const message = `the expression has ${text.length} characters: at most ${maxExpressionLength} are allowed`;
    return { ok: false, problems: [{ column: maxExpressionLength + 1, message }] };
  }
  const { tokens, problems: unreadable } = lex(text);
  const { references, problems } = checkNames(tokens, environment);
  problems.push(...unreadable);
  const parsed = unreadable.length > 0 ? undefined : parse(tokens);
  if (parsed?.ok === false) problems.push(parsed.problem);
  if (parsed?.ok === true) checkTypes(parsed.tree, environment, problems);
  if (problems.length > 0 || parsed?.ok !== true) {
    return { ok: false, problems: problems.toSorted((a, b) => a.column - b.column).slice(0, maxProblems) };
  }
  const meter = new TextMeter();
  const node = compileNode(parsed.tree, environment, meter);
  const run = asValue(node);
  const evaluate = (row: Row, nowMs: number): Value => {
    meter.reset();
    return run(row, nowMs);
  };
  return { ok: true, evaluate, references, type: node.kind === "value" ? "any" : node.kind };
}

/** Every name and function that is not known, also where the expression cannot be read as a whole. */
function checkNames(
  tokens: readonly Token[],
  environment: Environment,
): { references: string[]; problems: ExpressionProblem[] } {
  const references = new Set<string>();
  const problems: ExpressionProblem[] = [];
  tokens.forEach(({ kind, text, column }, at) => {
    if (kind !== "name" || keywords.has(text.toLowerCase())) return;
    const next = tokens[at + 1];
    if (next?.kind === "operator" && next.text === "(") {
      if (functions.has(text)) return;
      problems.push({ column, message: `there is no function "${text}"${didYouMean(text, functions.keys())}` });
    } else {
      references.add(text);
      if (environment.has(text)) return;
      problems.push({
        column,
        message: `"${text}" is neither a field nor an earlier computed value${didYouMean(text, environment.keys())}`,
      });
    }
  });
  return { references: [...references], problems };
}

const numericOperators = new Set(["-", "*", "/", "%"]);

/** Wrong counts of arguments, and uses of a type that can never give anything but null or 0. */
function checkTypes(tree: Expression, environment: Environment, problems: ExpressionProblem[]): void {
  const typeOf = (part: Expression): ValueType | undefined =>
    part.kind === "name" ? environment.get(part.name)?.type : undefined;
  const noTimestamp = (part: Expression): void => {
    if (part.kind !== "name" || typeOf(part) !== "timestamp") return;
    problems.push({
      column: part.column,
      message: `"${part.name}" is a timestamp and never a number; age(${part.name}) is its age in seconds`,
    });
  };
  const noNumber = (part: Expression): void => {
    const type = typeOf(part);
    const isTime = type === undefined || type === "timestamp" || type === "string";
    const isLiteral = part.kind === "literal" && (typeof part.value === "number" || typeof part.value === "boolean");
    if (isTime && !isLiteral) return;
    const what = part.kind === "name" ? `"${part.name}" has the type ${type}` : "a number or boolean";
    problems.push({ column: part.column, message: `age() takes a timestamp, ${what}` });
  };
  const pending: Expression[] = [tree];
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    switch (part.kind) {
      case "literal":
      case "name":
        break;
      case "unary":
        if (part.operator === "-") noTimestamp(part.operand);
        pending.push(part.operand);
        break;
      case "binary":
        if (numericOperators.has(part.operator)) for (const side of [part.left, part.right]) noTimestamp(side);
        pending.push(part.left, part.right);
        break;
      case "call": {
        pending.push(...part.args);
        const definition = functions.get(part.name);
        if (definition === undefined) break;
        const { min, max, takes } = definition;
        if (part.args.length < min || part.args.length > max) {
          const wanted =
            max === Number.POSITIVE_INFINITY ? `at least ${min}` : min === max ? `${min}` : `${min} or ${max}`;
          problems.push({
            column: part.column,
            message: `${part.name}() takes ${wanted} argument${wanted.endsWith(" 1") || wanted === "1" ? "" : "s"}, not ${part.args.length}`,
          });
        }
        part.args.forEach((arg, at) => {
          const use = takes[Math.min(at, takes.length - 1)];
          if (use === "number") noTimestamp(arg);
          if (use === "time") noNumber(arg);
        });
      }
    }
  }
}

function compileNode(tree: Expression, environment: Environment, meter: TextMeter): Node {
  switch (tree.kind) {
    case "literal":
      return constantNode(tree.value);
    case "name": {
      const { slot, type } = environment.get(tree.name) as { slot: number; type: ValueType };
      return {
        kind: "value",
        run: (row) => row[slot] ?? null,
        slot,
        mayBeText: type === "string" || type === "timestamp",
      };
    }
    case "unary": {
      const operand = compileNode(tree.operand, environment, meter);
      if (tree.operator === "!") {
        const run = asTruth(operand);
        return { kind: "boolean", run: (row, now) => !run(row, now) };
      }
      const run = asNumber(operand);
      return { kind: "number", run: (row, now) => -run(row, now) };
    }
    case "binary":
      if (tree.operator === "??") {
        return coalesceNode(alternatives(tree).map((part) => compileNode(part, environment, meter)));
      }
      return binaryNode(
        tree.operator,
        compileNode(tree.left, environment, meter),
        compileNode(tree.right, environment, meter),
        meter,
      );
    case "call": {
      const definition = functions.get(tree.name);
      if (definition === undefined) throw new TypeError(`no function ${tree.name}`);
      return definition.build(
        tree.args.map((arg) => compileNode(arg, environment, meter)),
        meter,
      );
    }
  }
}

/** The parts of a ?? b ?? c, which is read from the left. */
function alternatives(tree: Expression): Expression[] {
  if (tree.kind !== "binary" || tree.operator !== "??") return [tree];
  return [...alternatives(tree.left), tree.right];
}
