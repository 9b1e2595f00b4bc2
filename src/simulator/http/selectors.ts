// Label and field selectors as the API takes them in lists and watches.
import { apiErrors } from "./status.ts";

/** True for an object that the selector selects. */
export type LabelMatcher = (labels: Readonly<Record<string, string>> | undefined) => boolean;

interface Requirement {
  readonly key: string;
  readonly operator: "in" | "notin" | "exists" | "absent";
  readonly values: ReadonlySet<string>;
}

const key = "[A-Za-z0-9][-A-Za-z0-9_./]{0,316}";
const value = "[-A-Za-z0-9_.]{0,63}";
const equality = new RegExp(`^(${key})\\s*(==?|!=)\\s*(${value})$`);
const membership = new RegExp(`^(${key})\\s+(in|notin)\\s*\\(([^()]*)\\)$`);
const existence = new RegExp(`^(!?)\\s*(${key})$`);
const maxSelectorLength = 4096;

function parseRequirement(text: string): Requirement {
  const equal = equality.exec(text);
  if (equal !== null) {
    const operator = equal[2] === "!=" ? "notin" : "in";
    return { key: equal[1] as string, operator, values: new Set([equal[3] as string]) };
  }
  const member = membership.exec(text);
  if (member !== null) {
    const values = (member[3] as string).split(",").map((item) => item.trim());
    return { key: member[1] as string, operator: member[2] as "in" | "notin", values: new Set(values) };
  }
  const exists = existence.exec(text);
  if (exists === null) throw apiErrors.badRequest(`unable to parse requirement: ${JSON.stringify(text)}`);
  return { key: exists[2] as string, operator: exists[1] === "!" ? "absent" : "exists", values: new Set() };
}

function holds(requirement: Requirement, actual: string | undefined): boolean {
  switch (requirement.operator) {
    case "in":
      return actual !== undefined && requirement.values.has(actual);
    case "notin":
      return actual === undefined || !requirement.values.has(actual);
    case "exists":
      return actual !== undefined;
    case "absent":
      return actual === undefined;
  }
}

/** Compiles a labelSelector; undefined for an empty one. Throws ApiError 400. */
export function parseLabelSelector(text: string | null): LabelMatcher | undefined {
  const requirements = splitSelector(text, "labelSelector").map(parseRequirement);
  if (requirements.length === 0) return undefined;
  return (labels) => requirements.every((requirement) => holds(requirement, labels?.[requirement.key]));
}

const operators: Readonly<Record<string, Requirement["operator"]>> = {
  In: "in",
  NotIn: "notin",
  Exists: "exists",
  DoesNotExist: "absent",
};

/** Whether a LabelSelector, as objects hold it, selects the labels: none selects nothing, an empty one everything. */
export function selectsLabels(
  selector:
    | {
        readonly matchLabels?: Readonly<Record<string, string>>;
        readonly matchExpressions?: readonly {
          readonly key: string;
          readonly operator: string;
          readonly values?: readonly string[];
        }[];
      }
    | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  if (selector === undefined) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([name, wanted]) => labels?.[name] === wanted) &&
    matchExpressions.every(({ key: name, operator, values = [] }) => {
      const known = operators[operator];
      return known !== undefined && holds({ key: name, operator: known, values: new Set(values) }, labels?.[name]);
    })
  );
}

export interface FieldRequirement {
  readonly field: string;
  readonly equal: boolean;
  readonly value: string;
}

/** Reads a fieldSelector. Throws ApiError 400, also for a field that is not in `supported`. */
export function parseFieldSelector(text: string | null, supported: readonly string[]): readonly FieldRequirement[] {
  return splitSelector(text, "fieldSelector").map((part) => {
    const match = /^([A-Za-z0-9_.]+)(==?|!=)(.*)$/.exec(part);
    if (match === null) throw apiErrors.badRequest(`invalid field selector: ${JSON.stringify(part)}`);
    const field = match[1] as string;
    if (!supported.includes(field)) throw apiErrors.badRequest(`field label not supported: ${field}`);
    return { field, equal: match[2] !== "!=", value: match[3] as string };
  });
}

/** True when every requirement holds of the object whose fields `read` gives. */
export function matchesFields(requirements: readonly FieldRequirement[], read: (field: string) => string): boolean {
  return requirements.every((requirement) => (read(requirement.field) === requirement.value) === requirement.equal);
}

/** Splits at commas outside parentheses. */
function splitSelector(text: string | null, parameter: string): string[] {
  if (text === null || text.trim() === "") return [];
  if (text.length > maxSelectorLength) {
    throw apiErrors.badRequest(`${parameter} is longer than ${maxSelectorLength} characters`);
  }
  return text.split(/,(?![^(]*\))/).map((part) => part.trim());
}
