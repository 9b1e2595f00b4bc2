// Lists and maps as values: their length, and their JSON as text with sorted keys, so that equal objects give equal texts. Two things are
// in no list or map that a MetricSource sees, wherever they stand: the annotation that repeats a whole object as it was last applied, and
// lists named managedFields, which the JSON lane cuts out before it parses.
import { compareText } from "./coercions.ts";

/** The annotation whose text repeats the object, with everything secret in it. */
export const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";
/** The member that says who set which field. */
export const managedFields = "managedFields";
/** How deep a list or map that becomes text may be nested. */
export const maxCompositeDepth = 64;

type Members = Readonly<Record<string, unknown>>;

export function isComposite(value: unknown): value is readonly unknown[] | Members {
  return typeof value === "object" && value !== null;
}

/** The number of elements or members; undefined for anything else. */
export function compositeLength(value: unknown): number | undefined {
  if (Array.isArray(value)) return value.length;
  return isComposite(value) ? visibleKeys(value as Members).length : undefined;
}

/** Compact JSON with sorted keys; undefined where it would be longer than `maxLength` or nested too deeply. */
export function compositeText(value: readonly unknown[] | Members, maxLength: number): string | undefined {
  const writer = new Writer(maxLength);
  return writer.write(value, 0) ? writer.text : undefined;
}

function visibleKeys(members: Members): string[] {
  return Object.keys(members).filter(
    (key) => key !== lastAppliedAnnotation && !(key === managedFields && Array.isArray(members[key])),
  );
}

class Writer {
  text = "";
  readonly #maxLength: number;

  constructor(maxLength: number) {
    this.#maxLength = maxLength;
  }

  /** False: a limit was passed, and the text is of no use. */
  write(value: unknown, depth: number): boolean {
    if (this.text.length > this.#maxLength || depth > maxCompositeDepth) return false;
    if (!isComposite(value)) {
      this.text += typeof value === "bigint" ? String(value) : JSON.stringify(value);
    } else if (Array.isArray(value)) {
      if (!this.#list(value, depth + 1)) return false;
    } else if (!this.#map(value as Members, depth + 1)) return false;
    return this.text.length <= this.#maxLength;
  }

  #list(value: readonly unknown[], depth: number): boolean {
    this.text += "[";
    for (let at = 0; at < value.length; at++) {
      if (at > 0) this.text += ",";
      if (!this.write(value[at], depth)) return false;
    }
    this.text += "]";
    return true;
  }

  #map(value: Members, depth: number): boolean {
    let separator = "{";
    for (const key of visibleKeys(value).sort(compareText)) {
      this.text += `${separator}${JSON.stringify(key)}:`;
      separator = ",";
      if (!this.write(value[key], depth)) return false;
    }
    this.text += separator === "{" ? "{}" : "}";
    return true;
  }
}
