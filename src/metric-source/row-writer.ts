// A row as the text that is stored: identity, labels, values by name. Names are data, also `__proto__`: the text is written, no object made.
import { asObject } from "../kube/list-page.ts";
import type { Row, Value } from "./value.ts";

const needsEscape = /["\\\p{Cc}\p{Cs}]/u;
const quote = (text: string): string => (needsEscape.test(text) ? JSON.stringify(text) : `"${text}"`);

/** Writes rows whose values have these names. A `namespace` of "" is left out, and so are labels when there are none. */
export function createRowWriter(
  names: readonly string[],
): (namespace: string, name: string, labels: unknown, row: Row) => string {
  const heads = names.map((name, at) => `${at === 0 ? "" : ","}${JSON.stringify(name)}:`);
  return (namespace, name, labels, row) => {
    const id = quote(namespace === "" ? name : `${namespace}/${name}`);
    let text = `{"_id":${id}${namespace === "" ? "" : `,"_namespace":${quote(namespace)}`},"_name":${quote(name)}`;
    text += `${labelsText(labels)},"values":{`;
    for (let at = 0; at < heads.length; at++) text += `${heads[at]}${valueText(row[at] as Value)}`;
    return `${text}}}`;
  };
}

/** Members that are not texts are no labels. */
function labelsText(labels: unknown): string {
  let text = "";
  for (const [key, value] of Object.entries(asObject(labels) ?? {})) {
    if (typeof value === "string") text += `${text === "" ? "" : ","}${quote(key)}:${quote(value)}`;
  }
  return text === "" ? "" : `,"_labels":{${text}}`;
}

function valueText(value: Value): string {
  return typeof value === "string" ? quote(value) : String(value);
}
