// Label selectors as API servers take them in a query: one text of comma-separated terms, in an order that depends on the spec alone.
// Whatever an API server would refuse is refused here, with the field; so no key or value can smuggle in a term of its own.
import type { MetricSourceSpec } from "../api/v1alpha1/metric-source.ts";
import type { SourceProblem } from "./problem.ts";

type LabelSelector = NonNullable<MetricSourceSpec["source"]["labelSelector"]>;
type Requirement = NonNullable<LabelSelector["matchExpressions"]>[number];

const namePart = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/;
const prefixPart = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const maxTerms = 100;
const maxValues = 500;

/** The selector's text, "" for none. Problems are added with the fields below `field`. */
export function selectorText(
  selector: LabelSelector | undefined,
  field: string,
  add: (problem: SourceProblem) => void,
): string {
  const labels = Object.entries(selector?.matchLabels ?? {}).sort(([left], [right]) => (left < right ? -1 : 1));
  const requirements = selector?.matchExpressions ?? [];
  if (labels.length + requirements.length > maxTerms) {
    add({ field, rule: "selector-invalid", message: `has more than ${maxTerms} terms` });
    return "";
  }
  const check = (at: string, text: string, isValid: boolean, what: string): void => {
    if (!isValid) add({ field: at, rule: "selector-invalid", message: `must be ${what}; it is ${shown(text)}` });
  };
  const checkKey = (at: string, key: string): void => check(at, key, isLabelKey(key), labelKeyRule);
  const terms = labels.map(([key, value]) => {
    const at = `${field}.matchLabels[${JSON.stringify(key)}]`;
    checkKey(at, key);
    check(at, value, isLabelValue(value), labelValueRule);
    return `${key}=${value}`;
  });
  requirements.forEach((requirement, index) => {
    const at = `${field}.matchExpressions[${index}]`;
    checkKey(`${at}.key`, requirement.key);
    requirement.values?.forEach((value, i) => {
      check(`${at}.values[${i}]`, value, isLabelValue(value), labelValueRule);
    });
    const term = requirementText(requirement);
    if ("text" in term) terms.push(term.text);
    else add({ field: `${at}.${term.member}`, rule: "selector-invalid", message: term.message });
  });
  return terms.join(",");
}

function requirementText({
  key,
  operator,
  values = [],
}: Requirement): { text: string } | { member: string; message: string } {
  switch (operator) {
    case "In":
    case "NotIn":
      if (values.length === 0) return { member: "values", message: `must hold at least one value for ${operator}` };
      if (values.length > maxValues) return { member: "values", message: `must hold at most ${maxValues} values` };
      return { text: `${key} ${operator === "In" ? "in" : "notin"} (${values.join(",")})` };
    case "Exists":
      return { text: key };
    case "DoesNotExist":
      return { text: `!${key}` };
    default:
      return { member: "operator", message: "must be one of In, NotIn, Exists, DoesNotExist" };
  }
}

const labelKeyRule =
  "a label: a name of at most 63 letters, digits, '-', '_' and '.', after a DNS name and '/' if it has a prefix";
const labelValueRule =
  "a label's value: at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends";
const isLabelValue = (value: string): boolean => value === "" || namePart.test(value);

function isLabelKey(key: string): boolean {
  const slash = key.indexOf("/");
  return slash === -1
    ? namePart.test(key)
    : prefixPart.test(key.slice(0, slash)) && namePart.test(key.slice(slash + 1));
}

const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
