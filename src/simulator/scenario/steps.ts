// A scenario as its author writes it: YAML, a timeline of what breaks, heals, goes and comes back. Checked whole; everything that is
// wrong is said at once, with the step it is in. What it means for a fleet is plan.ts.
import { parse } from "yaml";
import { InvalidInputError } from "../../support/errors.ts";
import { type ChurnSettings, parseChurn, parseChurnText } from "../churn/settings.ts";
import { checkTogether, type FaultRule, faultNames, parseFaultRule } from "../faults/rule.ts";
import { type FaultShare, parseFaultShares } from "./shares.ts";

/** Which clusters: all that there are, so many, a part of the fleet, or by name. */
export type Selection =
  | { readonly kind: "all" }
  | { readonly kind: "count" | "share"; readonly value: number }
  | { readonly kind: "names"; readonly names: readonly string[] };

/** What happens at one time, in this order: clusters come back, others go, some heal, some break. */
export interface Step {
  readonly atMs: number;
  /** It happens again and again, until `untilMs` (inclusive). */
  readonly everyMs: number | undefined;
  readonly untilMs: number;
  readonly add: Selection | undefined;
  readonly remove: Selection | undefined;
  readonly heal: Selection | undefined;
  /** What happens in clusters by itself from now on. */
  readonly churn: ChurnSettings | "stop" | undefined;
  readonly faults: { readonly shares: readonly FaultShare[] } | { readonly rules: readonly FaultRule[] } | undefined;
}

const maxTextLength = 256 * 1024;
const maxSteps = 1_000;
const maxRepeats = 100_000;
const maxMs = 7 * 86_400_000;
const members: ReadonlySet<string> = new Set(["at", "every", "until", "add", "remove", "heal", "churn", "faults"]);

/** Reads a scenario. Throws InvalidInputError that lists everything wrong. */
export function parseScenario(text: string): readonly Step[] {
  if (text.length > maxTextLength)
    throw new InvalidInputError([`the scenario is longer than ${maxTextLength} characters`]);
  let document: unknown;
  try {
    document = parse(text, { maxAliasCount: 0 });
  } catch {
    throw new InvalidInputError(["the scenario is not YAML"]);
  }
  const steps = isRecord(document) ? document["steps"] : undefined;
  if (!isRecord(document) || !Array.isArray(steps) || steps.length === 0 || Object.keys(document).length !== 1) {
    throw new InvalidInputError(["the scenario must have one member, steps: a list of what happens when"]);
  }
  if (steps.length > maxSteps) throw new InvalidInputError([`steps: at most ${maxSteps} are taken`]);
  const problems: string[] = [];
  const read = steps.map((step: unknown, index) => readStep(step, `steps[${index}]`, problems));
  if (problems.length > 0) throw new InvalidInputError(problems);
  return read;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function readStep(step: unknown, where: string, problems: string[]): Step {
  const given = isRecord(step) ? step : {};
  if (!isRecord(step)) problems.push(`${where}: must be an object such as {at: 30s, faults: hang=3}`);
  for (const name of Object.keys(given)) {
    if (!members.has(name)) problems.push(`${where}.${name}: unknown; a step has ${[...members].join(", ")}`);
  }
  const time = (name: string, otherwise: number): number => {
    const value = given[name];
    if (value === undefined) return otherwise;
    const found = readDuration(value);
    if (found === undefined) problems.push(`${where}.${name}: must be a time such as 30s, 5m or 1h, at most 7 days`);
    return found ?? otherwise;
  };
  const selection = (name: string): Selection | undefined => {
    const value = given[name];
    if (value === undefined) return undefined;
    const found = readSelection(value);
    if (found === undefined)
      problems.push(`${where}.${name}: must be all, a number of clusters, a share such as 20%, or a list of names`);
    return found;
  };
  const atMs = time("at", 0);
  const everyMs = given["every"] === undefined ? undefined : time("every", 1_000);
  const untilMs = time("until", atMs);
  if (given["at"] === undefined && isRecord(step))
    problems.push(`${where}.at: is missing: when it happens, such as 30s`);
  if ((everyMs === undefined) !== (given["until"] === undefined))
    problems.push(`${where}: every and until go together`);
  if (everyMs !== undefined && everyMs < 100) problems.push(`${where}.every: must be 100ms or more`);
  else if (everyMs !== undefined && (untilMs - atMs) / everyMs > maxRepeats)
    problems.push(`${where}: happens more than ${maxRepeats} times`);
  if (untilMs < atMs) problems.push(`${where}.until: must not be before at`);
  const faults = readFaults(given["faults"], where, problems);
  const read = {
    atMs,
    everyMs,
    untilMs,
    add: selection("add"),
    remove: selection("remove"),
    heal: selection("heal"),
    churn: readChurn(given["churn"], where, problems),
    faults,
  };
  if (isRecord(step) && ["add", "remove", "heal", "churn", "faults"].every((what) => given[what] === undefined))
    problems.push(`${where}: nothing happens; it needs add, remove, heal, churn or faults`);
  return read;
}

function readDuration(value: unknown): number | undefined {
  const [, digits = "", unit = ""] = /^(\d{1,9})(ms|s|m|h)$/.exec(typeof value === "string" ? value : "") ?? [];
  const ms = Number(digits) * ({ ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit] ?? Number.NaN);
  return ms <= maxMs ? ms : undefined;
}

function readSelection(value: unknown): Selection | undefined {
  if (value === "all") return { kind: "all" };
  if (Number.isInteger(value) && (value as number) > 0) return { kind: "count", value: value as number };
  const percent = /^(\d{1,3})%$/.exec(typeof value === "string" ? value : "")?.[1];
  if (percent !== undefined && Number(percent) <= 100) return { kind: "share", value: Number(percent) / 100 };
  const areNames = Array.isArray(value) && value.length > 0 && value.every((name) => typeof name === "string");
  return areNames ? { kind: "names", names: value as string[] } : undefined;
}

/** As the flag --churn has it, an object of settings, or `stop`. */
function readChurn(value: unknown, where: string, problems: string[]): Step["churn"] {
  if (value === undefined || value === "stop") return value;
  try {
    return typeof value === "string" ? parseChurnText(value) : parseChurn(value);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    problems.push(...error.problems.map((problem) => `${where}: ${problem}`));
    return undefined;
  }
}

/** As the flag --faults has it, or a list of fault rules. */
function readFaults(value: unknown, where: string, problems: string[]): Step["faults"] {
  if (value === undefined) return undefined;
  try {
    if (typeof value === "string") return { shares: parseFaultShares(value, faultNames) };
    if (Array.isArray(value)) {
      const rules = value.map((rule) => parseFaultRule(rule));
      for (const own of Map.groupBy(rules, ({ cluster }) => cluster).values()) checkTogether(own);
      return { rules };
    }
    problems.push(`${where}.faults: must be like blackhole=20%,hang=3, or a list of {cluster, fault, parameters}`);
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    problems.push(...error.problems.map((problem) => `${where}.faults: ${problem}`));
  }
  return undefined;
}
