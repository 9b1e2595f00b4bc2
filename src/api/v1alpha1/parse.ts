// Checks of single fields, for parsers that list every problem instead of stopping at the first. Problems name the field
// and what would be right; they never repeat the value, which may be a misplaced secret or a megabyte long.
import type { ObjectMeta } from "./meta.ts";

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly string[] };

type Fields = Readonly<Record<string, unknown>>;

const dnsName = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const maxProblems = 20;
const maxEntries = 256;

/** Collects problems. Each check returns the value if it is right, otherwise undefined with a problem added. */
export class Problems {
  readonly list: string[] = [];

  add(field: string, shouldBe: string): undefined {
    if (this.list.length < maxProblems) this.list.push(`${field} ${shouldBe}`);
  }

  object(value: unknown, field: string): Fields | undefined {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
    return this.add(field, "must be an object");
  }

  /** Absent and null are left out; anything else is checked. */
  optional<T>(value: unknown, check: (value: unknown) => T | undefined): T | undefined {
    return value === undefined || value === null ? undefined : check(value);
  }

  text(value: unknown, field: string, maxLength: number): string | undefined {
    if (typeof value === "string" && value.length <= maxLength) return value;
    return this.add(field, `must be a string of at most ${maxLength} characters`);
  }

  requiredText(value: unknown, field: string, maxLength: number): string | undefined {
    if (value === undefined || value === null || value === "") return this.add(field, "must be set");
    return this.text(value, field, maxLength);
  }

  /** A DNS-1123 subdomain: what Kubernetes accepts as the name of most objects. */
  objectName(value: unknown, field: string): string | undefined {
    if (typeof value === "string" && dnsName.test(value)) return value;
    return this.add(field, "must be a name of lower case letters, digits, '-' and '.', at most 253 characters long");
  }

  positiveInteger(value: unknown, field: string, max: number): number | undefined {
    if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= max) return value;
    return this.add(field, `must be a whole number from 1 to ${max}`);
  }

  oneOf<T extends string>(value: unknown, field: string, allowed: readonly T[]): T | undefined {
    return allowed.find((candidate) => candidate === value) ?? this.add(field, `must be one of ${allowed.join(", ")}`);
  }

  textMap(value: unknown, field: string): Readonly<Record<string, string>> | undefined {
    const entries = Object.entries(this.object(value, field) ?? {});
    if (entries.length > maxEntries) return this.add(field, `must have at most ${maxEntries} entries`);
    const good = entries.every(([key, text]) => key.length <= 317 && typeof text === "string" && text.length <= 1_024);
    if (!good) return this.add(field, "must map names to strings of at most 1024 characters");
    return Object.fromEntries(entries) as Record<string, string>;
  }
}

/** The metadata that the hub uses; parts of it that are malformed are left out, a missing name is a problem. */
export function parseMetadata(problems: Problems, value: unknown): ObjectMeta | undefined {
  const metadata = problems.object(value, "metadata");
  const name = metadata && problems.objectName(metadata["name"], "metadata.name");
  if (metadata === undefined || name === undefined) return undefined;
  const namespace = problems.optional(metadata["namespace"], (v) => problems.objectName(v, "metadata.namespace"));
  const text = (field: string) => {
    const found = metadata[field];
    return typeof found === "string" && found !== "" && found.length <= 256 ? { [field]: found } : {};
  };
  const generation = metadata["generation"];
  return {
    name,
    ...(namespace && { namespace }),
    ...text("uid"),
    ...text("resourceVersion"),
    ...text("creationTimestamp"),
    ...text("deletionTimestamp"),
    ...(Number.isSafeInteger(generation) ? { generation: generation as number } : {}),
  };
}
