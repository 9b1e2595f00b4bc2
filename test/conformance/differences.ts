// The differences from the original that are meant: read from differences.yaml, which docs/compatibility.md is made of.
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { clusterTraits } from "./cluster-traits.ts";
import { absent, type Mismatch } from "./compare.ts";
import { registryTraits } from "./registry-traits.ts";
import { sourceTraits } from "./source-traits.ts";

/** What may be known of the place of a mismatch: on what it rests. */
export const traits = [...sourceTraits, ...clusterTraits, ...registryTraits] as const;
export type Trait = (typeof traits)[number];

export interface Difference {
  readonly id: string;
  /** For readers. */
  readonly where: string;
  readonly original: string;
  readonly here: string;
  readonly reason: string;
  /** `fixed`: the original's behaviour is not wanted. `not yet`: it will be the same. */
  readonly state: "fixed" | "not yet";
  /** Paths at which it shows in a recorded fleet; `*` stands for any characters. */
  readonly match?: readonly string[];
  /** Only where one of these is known of the place. */
  readonly of?: readonly Trait[];
  /** Only where the original's value is this; `absent` for nothing. */
  readonly was?: unknown;
  /** Only where the original's value holds this text. */
  readonly holds?: string;
  /** Ours must then be this; `absent` for nothing. Without it any value will do. */
  readonly becomes?: unknown;
  /** Numbers may differ by this much of the original's. */
  readonly tolerance?: number;
}

export const differencesFile = new URL("differences.yaml", import.meta.url);

/** Throws an Error that names the entry that is wrong. */
export function readDifferences(): readonly Difference[] {
  const differences = parse(readFileSync(differencesFile, "utf8")) as readonly Difference[];
  const ids = new Set<string>();
  for (const [i, { id, where, original, here, reason, state, of = [] }] of differences.entries()) {
    const isWhole = [id, where, original, here, reason].every((text) => typeof text === "string") && id !== "";
    if (!isWhole || ids.has(id))
      throw new Error(`entry ${i + 1}: needs an id of its own, where, original, here, reason`);
    if (state !== "fixed" && state !== "not yet") throw new Error(`${id}: state must be "fixed" or "not yet"`);
    for (const trait of of) {
      if (!(traits as readonly string[]).includes(trait)) throw new Error(`${id}: there is no trait "${trait}"`);
    }
    ids.add(id);
  }
  return differences;
}

/** The difference that explains the mismatch of a value with these traits; undefined when none does. */
export function explain(
  differences: readonly Difference[],
  mismatch: Mismatch,
  own: ReadonlySet<Trait> = new Set(),
): Difference | undefined {
  return differences.find(
    (difference) =>
      (difference.match ?? []).some((pattern) => patternOf(pattern).test(mismatch.path)) &&
      allows(difference, mismatch, own),
  );
}

function allows(difference: Difference, { original, ours }: Mismatch, own: ReadonlySet<Trait>): boolean {
  const { of, was, holds, becomes, tolerance } = difference;
  if (of !== undefined && !of.some((trait) => own.has(trait))) return false;
  if (was !== undefined && !isValue(original, was)) return false;
  if (holds !== undefined && !(JSON.stringify(original) ?? "").includes(holds)) return false;
  if (tolerance !== undefined) {
    const isClose = (a: number, b: number): boolean => Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(a));
    return typeof original === "number" && typeof ours === "number" && isClose(original, ours);
  }
  return becomes === undefined || isValue(ours, becomes);
}

const isValue = (value: unknown, wanted: unknown): boolean =>
  wanted === "absent" ? value === absent : JSON.stringify(value) === JSON.stringify(wanted);

const patterns = new Map<string, RegExp>();

function patternOf(text: string): RegExp {
  let pattern = patterns.get(text);
  if (pattern === undefined) {
    const parts = text.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
    pattern = new RegExp(`^${parts.join(".*")}$`);
    patterns.set(text, pattern);
  }
  return pattern;
}

/** The page for users, whole. */
export function compatibilityPage(differences: readonly Difference[]): string {
  const table = (state: Difference["state"]): string =>
    [
      "| where | ClusterPulse | here | why |",
      "|---|---|---|---|",
      ...differences
        .filter((difference) => difference.state === state)
        .map(({ where, original, here, reason }) => `| ${[where, original, here, reason].join(" | ")} |`),
    ].join("\n");
  return `# What differs from ClusterPulse

The surface is kept: custom resources, store keys and member names, routes. Everything may be a superset. These are the visible
differences in what exists so far, each with its reason. This page is made from \`test/conformance/differences.yaml\` by
\`node test/conformance/main.ts --write-docs\`; \`npm run -s conformance -- --fleet test/fixtures/golden-fleet\` runs the hub on a
recorded fleet and fails on any difference that is not listed.

${table("fixed")}

## Not yet

${table("not yet")}
`;
}
