// The differences between the simulator and a real API server that are known: read from differences.yaml, from which the list in
// docs/simulator.md is made.
import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";
import type { Mismatch } from "./compare.ts";

export interface Difference {
  /** For readers. */
  readonly what: string;
  readonly reason: string;
  /** `meant`: it stays. `not yet`: it will be as on a real server. */
  readonly state: "meant" | "not yet";
  /** Where it shows: title of a step, `: `, path in its answer; `*` stands for any characters. */
  readonly match: readonly string[];
}

const file = new URL("differences.yaml", import.meta.url);
const page = new URL("../../docs/simulator.md", import.meta.url);

/** Throws an Error that names the entry that is wrong. */
export function readDifferences(): readonly Difference[] {
  const differences = (parse(readFileSync(file, "utf8")) ?? []) as readonly Difference[];
  for (const [i, { what, reason, state, match }] of differences.entries()) {
    const isWhole = [what, reason].every((text) => typeof text === "string" && text !== "") && Array.isArray(match);
    if (!isWhole || match.length === 0)
      throw new Error(`differences.yaml: entry ${i + 1} needs what, reason and match`);
    if (state !== "meant" && state !== "not yet") throw new Error(`${what}: state must be "meant" or "not yet"`);
  }
  return differences;
}

/** The pattern that covers a mismatch of the step. */
export function patternFor(differences: readonly Difference[], title: string, { path }: Mismatch): string | undefined {
  return differences.flatMap(({ match }) => match).find((pattern) => asRegExp(pattern).test(`${title}: ${path}`));
}

const asRegExp = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split("*")
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"))
      .join(".*")}$`,
    "s",
  );

const [begin, end] = ["<!-- made of test/oracle/differences.yaml -->", "<!-- end -->"];

/** What stands between the marks of the page, and what should. */
export function pageState(differences: readonly Difference[]): { readonly isCurrent: boolean; readonly text: string } {
  const now = readFileSync(page, "utf8");
  const [from, to] = [now.indexOf(begin), now.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/simulator.md needs the lines ${begin} and ${end}`);
  const rows = (["meant", "not yet"] as const).flatMap((wanted) =>
    differences.filter(({ state }) => state === wanted).map(({ what, reason }) => `| ${what} | ${wanted}: ${reason} |`),
  );
  const text = `${now.slice(0, from)}${begin}\n\n| what | why |\n|---|---|\n${rows.join("\n")}\n\n${now.slice(to)}`;
  return { isCurrent: text === now, text };
}

export function writePage(text: string): void {
  writeFileSync(page, text);
}
