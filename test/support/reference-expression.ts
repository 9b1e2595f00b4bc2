// The expression language once more, as slow and plain as it can be said: a tree is walked, every rule is a sentence of the contract. It
// shares no code with src/metric-source; the property tests hold the compiled form against it. Trees become text by `textOf`, so that the
// parser's precedences are tested along.

export type Plain = string | number | boolean | null;

export type Tree =
  | { readonly is: "literal"; readonly value: Plain }
  | { readonly is: "name"; readonly name: string }
  | { readonly is: "unary"; readonly sign: string; readonly of: Tree }
  | { readonly is: "binary"; readonly sign: string; readonly left: Tree; readonly right: Tree }
  | { readonly is: "call"; readonly name: string; readonly args: readonly Tree[] };

const levels = [["??"], ["||"], ["&&"], ["==", "!="], ["<", "<=", ">", ">="], ["+", "-"], ["*", "/", "%"]];
const levelOf = (sign: string): number => levels.findIndex((signs) => signs.includes(sign));

/** The tree as text, with no more parentheses than the grammar asks for. */
export function textOf(tree: Tree): string {
  switch (tree.is) {
    case "literal":
      if (typeof tree.value === "string") return `"${tree.value.replace(/["\\]/g, "\\$&").replace(/\n/g, "\\n")}"`;
      return String(tree.value);
    case "name":
      return tree.name;
    case "unary":
      return `${tree.sign} ${tree.of.is === "binary" ? `(${textOf(tree.of)})` : textOf(tree.of)}`;
    case "call":
      return `${tree.name}(${tree.args.map(textOf).join(", ")})`;
    case "binary": {
      const own = levelOf(tree.sign);
      const side = (part: Tree, isRight: boolean): string => {
        const needs = part.is === "binary" && (isRight ? levelOf(part.sign) <= own : levelOf(part.sign) < own);
        return needs ? `(${textOf(part)})` : textOf(part);
      };
      return `${side(tree.left, false)} ${tree.sign} ${side(tree.right, true)}`;
    }
  }
}

const orNull = (n: number): number | null => (Number.isFinite(n) ? n : null);

/** null counts 0, truths 1 and 0, numeric text its number, other text 0. */
export function numberOf(v: Plain): number {
  if (v === null) return 0;
  if (v === true) return 1;
  if (v === false) return 0;
  if (typeof v === "number") return v;
  const looksRight = v !== "" && [...v].every((c) => "0123456789+-.eE".includes(c));
  const n = looksRight ? Number(v) : Number.NaN;
  return Number.isFinite(n) ? n : 0;
}

/** Numbers in plain digits: the shortest that read back, but all digits of an integer below 2^63. */
export function textOfValue(v: Plain): string {
  if (v === null) return "";
  if (typeof v !== "number") return String(v);
  if (v === 0) return "0";
  if (Number.isInteger(v) && Math.abs(v) < 2 ** 63) return BigInt(v).toString();
  const found = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(v.toExponential());
  if (found === null) throw new Error("no number");
  const [, minus, first, rest = "", exponent] = found;
  let digits = `${first}${rest}`;
  let point = 1 + Number(exponent);
  while (point > digits.length) digits += "0";
  while (point < 1) {
    digits = `0${digits}`;
    point++;
  }
  const fraction = digits.slice(point);
  return `${minus}${digits.slice(0, point)}${fraction === "" ? "" : `.${fraction}`}`;
}

export function truthOf(v: Plain): boolean {
  if (v === null || v === 0 || v === "") return false;
  return v !== false;
}

const byCodePoints = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

function equal(a: Plain, b: Plain): boolean {
  if (a === null || b === null) return a === b;
  if (typeof a === "string" || typeof b === "string") return textOfValue(a) === textOfValue(b);
  return numberOf(a) === numberOf(b);
}

function binary(sign: string, a: Plain, b: Plain): Plain {
  const order = typeof a === "string" && typeof b === "string" ? byCodePoints(a, b) : numberOf(a) - numberOf(b);
  switch (sign) {
    case "==":
      return equal(a, b);
    case "!=":
      return !equal(a, b);
    case "<":
      return order < 0;
    case "<=":
      return order <= 0;
    case ">":
      return order > 0;
    case ">=":
      return order >= 0;
    case "+":
      if (typeof a === "string" || typeof b === "string") return textOfValue(a) + textOfValue(b);
      return orNull(numberOf(a) + numberOf(b));
    case "-":
      return orNull(numberOf(a) - numberOf(b));
    case "*":
      return orNull(numberOf(a) * numberOf(b));
    case "/":
      return numberOf(b) === 0 ? null : orNull(numberOf(a) / numberOf(b));
    case "%":
      return numberOf(b) === 0 ? null : orNull(numberOf(a) % numberOf(b));
    default:
      throw new Error(sign);
  }
}

function call(name: string, args: readonly Plain[], nowMs: number): Plain {
  const [a = null, b = null, c = null] = args;
  const characters = [...textOfValue(a)];
  switch (name) {
    case "concat":
      return args.map(textOfValue).join("");
    case "lower":
      return characters.map((ch) => (ch === "İ" ? "i" : ch.toLowerCase())).join("");
    case "upper":
      return characters.map((ch) => ([...ch.toUpperCase()].length > 1 ? ch : ch.toUpperCase())).join("");
    case "len":
      return characters.length;
    case "substr": {
      const start = Math.trunc(numberOf(b));
      const length = args.length < 3 ? characters.length : Math.trunc(numberOf(c));
      if (start < 0 || start >= characters.length || length <= 0) return "";
      return characters.filter((_, i) => i >= start && i < start + length).join("");
    }
    case "contains":
      return textOfValue(a).split(textOfValue(b)).length > 1 || textOfValue(b) === "";
    case "startsWith":
      return textOfValue(a).slice(0, textOfValue(b).length) === textOfValue(b);
    case "endsWith": {
      const [text, end] = [textOfValue(a), textOfValue(b)];
      return end.length <= text.length && text.slice(text.length - end.length) === end;
    }
    case "round": {
      const scale = 10 ** Math.trunc(numberOf(b));
      const x = numberOf(a) * scale;
      const away = Math.abs(x) % 1 >= 0.5 ? Math.floor(Math.abs(x)) + 1 : Math.floor(Math.abs(x));
      return orNull((Math.sign(x) * away) / scale);
    }
    case "floor":
      return Math.floor(numberOf(a));
    case "ceil":
      return Math.ceil(numberOf(a));
    case "abs":
      return numberOf(a) < 0 ? -numberOf(a) : numberOf(a);
    case "min":
      return numberOf(a) < numberOf(b) ? numberOf(a) : numberOf(b);
    case "max":
      return numberOf(a) > numberOf(b) ? numberOf(a) : numberOf(b);
    case "coalesce":
      return args.find((v) => v !== null) ?? null;
    case "if":
      return truthOf(a) ? b : c;
    case "now":
      return new Date(nowMs).toISOString().replace(/\.\d+Z$/, "Z");
    case "age": {
      const text = typeof a === "string" ? a : "";
      const shape = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/.exec(
        text,
      );
      if (shape === null) return null;
      const day = new Date(`${shape[1]}T00:00:00Z`);
      if (Number.isNaN(day.getTime()) || !day.toISOString().startsWith(shape[1] as string)) return null;
      return (nowMs - Date.parse(text)) / 1000;
    }
    case "formatBytes": {
      let size = Math.abs(numberOf(a));
      const units = ["B", "Ki", "Mi", "Gi", "Ti"];
      while (size >= 1024 && units.length > 0) {
        size /= 1024;
        units.shift();
      }
      // Exact: the size in hundredths is an integer and a remainder; a half goes to the even one.
      const hundredths = BigInt(Math.floor(size)) * 100n;
      const rest = (size - Math.floor(size)) * 100;
      const low = Math.floor(rest);
      const up = rest - low > 0.5 || (rest - low === 0.5 && low % 2 === 1) ? 1 : 0;
      const all = hundredths + BigInt(low + up);
      const minus = numberOf(a) < 0 ? "-" : "";
      return `${minus}${all / 100n}.${String(all % 100n).padStart(2, "0")}${units[0] ?? "Pi"}`;
    }
    case "toString":
      return textOfValue(a);
    case "toNumber":
      return numberOf(a);
    default:
      throw new Error(name);
  }
}

/** What a tree is worth over a context. */
export function evaluate(tree: Tree, context: ReadonlyMap<string, Plain>, nowMs: number): Plain {
  const of = (part: Tree): Plain => evaluate(part, context, nowMs);
  switch (tree.is) {
    case "literal":
      return tree.value;
    case "name":
      return context.get(tree.name) ?? null;
    case "unary":
      return tree.sign === "!" ? !truthOf(of(tree.of)) : -numberOf(of(tree.of));
    case "call":
      return call(tree.name, tree.args.map(of), nowMs);
    case "binary": {
      const { sign, left, right } = tree;
      if (sign === "??") return of(left) ?? of(right);
      if (sign === "&&") return truthOf(of(left)) ? truthOf(of(right)) : false;
      if (sign === "||") return truthOf(of(left)) ? true : truthOf(of(right));
      return binary(sign, of(left), of(right));
    }
  }
}
