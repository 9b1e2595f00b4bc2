// The resource name of a kind ("Deployment" is served as "deployments") where discovery cannot be asked. A guess: discovery knows.

/** Kinds whose resource name follows no rule. */
const irregular = new Map([
  ["endpoints", "endpoints"],
  ["securitycontextconstraints", "securitycontextconstraints"],
  ["podmetrics", "pods"],
  ["nodemetrics", "nodes"],
  ["networkattachmentdefinition", "network-attachment-definitions"],
]);

/** The plural in lower case, by the rules of the Kubernetes code generators. */
export function pluralize(kind: string): string {
  const name = kind.toLowerCase();
  const known = irregular.get(name);
  if (known !== undefined) return known;
  if (/(?:s|x|ch|sh)$/.test(name)) return `${name}es`;
  if (/[^aeiou]y$/.test(name)) return `${name.slice(0, -1)}ies`;
  return `${name}s`;
}
