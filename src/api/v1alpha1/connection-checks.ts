// Checks that connections to clusters and to registries share: what goes into every row that readers get is bounded, a Secret's name is
// a name, and an endpoint is a URL that carries neither credentials nor a query.
import type { Problems } from "./problems.ts";
import { isObjectName, objectNameRule } from "./resource.ts";

const maxTextLength = 1_024;
const maxLabels = 256;
const maxLabelKeyLength = 317;

export interface Descriptive {
  readonly displayName?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** Name and labels, as readers get them with every row. */
export function checkDescriptive({ displayName, labels }: Descriptive, problems: Problems): void {
  if (displayName !== undefined && displayName.length > maxTextLength) {
    problems.add("spec.displayName", `must be at most ${maxTextLength} characters long`);
  }
  const entries = Object.entries(labels ?? {});
  if (entries.length > maxLabels) problems.add("spec.labels", `must have at most ${maxLabels} entries`);
  else if (entries.some(([key, text]) => key.length > maxLabelKeyLength || text.length > maxTextLength)) {
    problems.add(
      "spec.labels",
      `must have keys of at most ${maxLabelKeyLength} and values of at most ${maxTextLength} characters`,
    );
  }
}

export interface SecretRef {
  readonly name: string;
  readonly namespace?: string;
}

/** The reference to a Secret. An empty namespace is none: then the Secret is in the object's own. */
export function readSecretRef({ name, namespace }: SecretRef, problems: Problems): SecretRef {
  const path = "spec.credentialsRef";
  if (!isObjectName(name)) problems.add(`${path}.name`, objectNameRule);
  if (namespace === undefined || namespace === "") return { name };
  if (!isObjectName(namespace)) problems.add(`${path}.namespace`, objectNameRule);
  return { name, namespace };
}

const maxUrlLength = 2_048;

/** Why the text is not a URL that the hub would connect to; undefined if it is. */
export function urlFault(text: string): string | undefined {
  if (text.length > maxUrlLength) return `it is longer than ${maxUrlLength} characters`;
  if (/[\s\p{Cc}\p{Cf}]/u.test(text)) return "it holds white space or invisible characters";
  const url = URL.parse(text);
  if (url === null) return "it is not a URL";
  if (url.protocol !== "https:" && url.protocol !== "http:") return "its scheme is another one";
  if (url.username !== "" || url.password !== "") return "it holds a user name or password";
  if (url.search !== "" || url.hash !== "") return "it holds a query or fragment";
  return undefined;
}
