// What churn is asked for: as an object of the library and the admin API, or as the text of a flag. Checked whole; everything that is
// wrong is said at once.
import { InvalidInputError } from "../../support/errors.ts";
import { type ChurnKind, churnKinds } from "./stages.ts";

export interface ChurnSettings {
  /** Changes of objects per second, in the whole fleet. Exactly one of this and `perClusterRate`; 0 begins nothing new. */
  readonly eventsPerSecond?: number;
  /** Changes of objects per second, in each cluster on the average. */
  readonly perClusterRate?: number;
  /** What happens, with weights: a kind of weight 2 begins twice as often as one of weight 1. Everything alike unless told. */
  readonly kinds?: Readonly<Partial<Record<ChurnKind, number>>>;
  /** So many changes more at once, again and again. */
  readonly burst?: { readonly everyMs: number; readonly size: number };
  /** How much more there is at noon and less at midnight (UTC), as a part of the rate, 0 to 1; 0 unless told. */
  readonly diurnal?: number;
  /** Changes begun at once after a pause, at most; what is missed beyond is dropped and counted. 1,000 unless told. */
  readonly maxCatchUp?: number;
  /** The same seed and clock draw the same; the fleet's unless told. */
  readonly seed?: number;
}

const maxRate = 100_000;
const numbers = {
  eventsPerSecond: [0, maxRate],
  perClusterRate: [0, maxRate],
  diurnal: [0, 1],
  maxCatchUp: [1, maxRate],
  seed: [0, 0xffff_ffff],
} as const;
const whole: ReadonlySet<string> = new Set(["maxCatchUp", "seed", "size", "everyMs"]);
const members: ReadonlySet<string> = new Set([...Object.keys(numbers), "kinds", "burst"]);

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Reads settings from JSON or YAML. Throws InvalidInputError that lists everything wrong. */
export function parseChurn(value: unknown): ChurnSettings {
  if (!isRecord(value)) throw new InvalidInputError(["churn: must be an object such as {eventsPerSecond: 50}"]);
  const problems: string[] = [];
  for (const name of Object.keys(value)) {
    if (!members.has(name)) problems.push(`churn.${name}: unknown; there are ${[...members].join(", ")}`);
  }
  for (const [name, [low, high]] of Object.entries(numbers)) checkNumber(value[name], name, low, high, problems);
  if ((value["eventsPerSecond"] === undefined) === (value["perClusterRate"] === undefined)) {
    problems.push("churn: needs exactly one of eventsPerSecond and perClusterRate");
  }
  checkKinds(value["kinds"], problems);
  const burst = value["burst"];
  if (burst !== undefined) {
    const { everyMs, size } = isRecord(burst) ? burst : {};
    if (!isRecord(burst) || Object.keys(burst).some((name) => name !== "everyMs" && name !== "size")) {
      problems.push("churn.burst: must be an object such as {everyMs: 60000, size: 500}");
    }
    checkNumber(everyMs ?? null, "burst.everyMs", 100, 86_400_000, problems);
    checkNumber(size ?? null, "burst.size", 1, maxRate, problems);
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
  return value as ChurnSettings;
}

function checkNumber(value: unknown, name: string, low: number, high: number, problems: string[]): void {
  if (value === undefined) return;
  const isWhole = whole.has(name.split(".").at(-1) as string);
  const isFine = isWhole ? Number.isInteger(value) : typeof value === "number";
  if (!isFine || !((value as number) >= low && (value as number) <= high)) {
    problems.push(`churn.${name}: must be a ${isWhole ? "whole " : ""}number from ${low} to ${high}`);
  }
}

function checkKinds(value: unknown, problems: string[]): void {
  if (value === undefined) return;
  if (!isRecord(value) || Object.keys(value).length === 0) {
    problems.push("churn.kinds: must be an object of kinds and weights such as {rollout: 2, node-flap: 1}");
    return;
  }
  for (const [kind, weight] of Object.entries(value)) {
    if (!churnKinds.includes(kind as ChurnKind)) {
      problems.push(`churn.kinds: ${JSON.stringify(kind.slice(0, 100))} must be one of ${churnKinds.join(", ")}`);
    } else if (!(typeof weight === "number" && weight > 0 && weight <= 1_000)) {
      problems.push(`churn.kinds.${kind}: must be a number above 0, at most 1000`);
    }
  }
}

/**
 * Reads the text of a flag: `eventsPerSecond=50,kinds=rollout:2+node-flap,burst=500/60s,seed=7`. Throws InvalidInputError that lists
 * everything wrong.
 */
export function parseChurnText(text: string): ChurnSettings {
  const value: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const part of text.split(",").filter((piece) => piece.trim() !== "")) {
    const [, name = "", content = ""] = /^\s*(\w+)=(\S+)\s*$/.exec(part) ?? [];
    if (name === "") problems.push(`churn: ${JSON.stringify(part)} must be like eventsPerSecond=50`);
    else if (name in value) problems.push(`churn.${name}: stands there twice`);
    else if (name === "kinds") value[name] = kindsOf(content);
    else if (name === "burst") {
      const [, size = "", seconds = ""] = /^(\d{1,6})\/(\d{1,5})s$/.exec(content) ?? [];
      if (size === "") problems.push("churn.burst: must be like 500/60s: so many, every so many seconds");
      else value[name] = { size: Number(size), everyMs: Number(seconds) * 1_000 };
    } else value[name] = /^\d{1,10}(\.\d{1,6})?$/.test(content) ? Number(content) : content;
  }
  try {
    const settings = parseChurn(value);
    if (problems.length === 0) return settings;
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    problems.push(...error.problems);
  }
  throw new InvalidInputError(problems);
}

/** `rollout:2+node-flap`. */
function kindsOf(text: string): Record<string, unknown> {
  return Object.fromEntries(
    text.split("+").map((part) => {
      const [kind = "", weight = "1"] = part.split(":");
      return [kind, Number(weight)];
    }),
  );
}
