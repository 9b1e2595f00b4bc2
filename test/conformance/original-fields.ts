// How the original reads a field of a MetricSource, as far as its reading is a fault: of which values its conversion makes something
// else than what the type means. The grammar of paths and the conversions are those of the contract; no code of the hub is used.

export interface FieldFacts {
  readonly path: string;
  readonly type: string;
  readonly default?: string;
}

const ownPath = /\\|\[(?!\+?\d+\])|[^\x20-\x7e]|^\$|^\{/;

/** Whether the original splits the path in another way, or cannot follow it. */
export const isPathOfItsOwn = (path: string): boolean => ownPath.test(path);

/** What the path leads to: undefined is nowhere. Only for paths that mean the same to everybody. */
export function valueAt(object: unknown, path: string): unknown {
  const segments = path.match(/\[\d+\]|[^.[\]]+/g) ?? [];
  return segments.reduce<unknown>((value, segment) => {
    if (typeof value !== "object" || value === null) return undefined;
    const isIndex = segment.startsWith("[");
    if (isIndex !== Array.isArray(value)) return undefined;
    return isIndex
      ? (value as readonly unknown[])[Number(segment.slice(1, -1))]
      : (value as Readonly<Record<string, unknown>>)[segment];
  }, object);
}

const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** Whole numbers up to 18 digits, and decimals of units that both read alike. */
const plainQuantity = /^[+-]?\d{1,18}$|^[+-]?\d{1,9}(?:\.\d+)?(?:Ki|Mi|Gi|Ti|K|M|G|T)$/;
const milliQuantity = /^[+-]?\d{1,15}m$/;
const time = /^(\d{4})-(\d\d)-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const isComposite = (value: unknown): boolean => typeof value === "object" && value !== null;
/** Longer texts are not stored by the hub. */
const maxTextLength = 65_536;

function isTime(text: string): boolean {
  const [, year = "", month = "", day = ""] = time.exec(text) ?? [];
  // Days that a month does not have lead into the next one.
  return day !== "" && new Date(`${year}-${month}-${day}T00:00:00Z`).getUTCDate() === Number(day);
}

/** Whether the original makes of `found` what it does not mean. undefined: the path leads nowhere, and the default stands in. */
export function isConvertedOtherwise({ path, type, default: given }: FieldFacts, found: unknown): boolean {
  if (found === null) return false;
  if (found === undefined) return given !== undefined && isDefaultOtherwise(type, path, given);
  const hasDefault = given !== undefined;
  switch (type) {
    case "integer":
      if (typeof found === "number") return Math.abs(found) >= 2 ** 63;
      return !(typeof found === "string" && /^[+-]?\d{1,18}$/.test(found));
    case "float":
      return (
        typeof found !== "number" && !(typeof found === "string" && decimal.test(found) && Number.isFinite(+found))
      );
    case "boolean":
      return isComposite(found);
    case "quantity":
      return isQuantityOtherwise(path, found);
    case "timestamp":
      return !hasDefault && !(found === "" || (typeof found === "string" && isTime(found)));
    case "arrayLength":
      return !isComposite(found);
    default:
      return isComposite(found) || (typeof found === "string" && found.length > maxTextLength);
  }
}

/** A default of a number, a truth or a length converts differently from a value; that of a text does not. */
function isDefaultOtherwise(type: string, path: string, text: string): boolean {
  switch (type) {
    case "integer":
      return !/^[+-]?\d{1,18}$/.test(text);
    case "float":
      return !decimal.test(text);
    case "boolean":
      return !/^(?:true|false)$/i.test(text);
    case "quantity":
      return text.trim() !== "0" && (isCpu(path) || !plainQuantity.test(text));
    case "arrayLength":
      return true;
    default:
      return false;
  }
}

/** CPU, which has no unit in common; a small letter behind a number; fractions; exponents; text that is no quantity. */
function isQuantityOtherwise(path: string, found: unknown): boolean {
  if (typeof found !== "string") return isCpu(path) || !Number.isInteger(found);
  if (milliQuantity.test(found))
    return !isCpu(path) || (Number.parseInt(found, 10) / 1000) * 1000 !== Number.parseInt(found, 10);
  return isCpu(path) ? found !== "0" : !plainQuantity.test(found);
}

const isCpu = (path: string): boolean => /\bcpu['"]?\]?$/.test(path);
