// Says in Kubernetes' words what a request does, from its method and path alone: `list pods`, `get /version`.
// Names of objects and namespaces are left out: the sentence ends up in conditions that others may read.

const verbs: Readonly<Record<string, string>> = { POST: "create", PUT: "update", PATCH: "patch", DELETE: "delete" };
const plainSegment = /^[\w.-]{1,63}$/;

/** `verb resource[.group][/subresource]` for resource paths, `verb /path` for others. */
export function describeRequest(method: string, path: string): string {
  const [pathname = "", query = ""] = path.split("?", 2);
  const resource = parseResource(pathname.split("/").slice(1));
  if (resource === undefined) return `${verbs[method] ?? "get"} ${nonResource(pathname)}`;
  if (method !== "GET") return `${verbs[method] ?? method.toLowerCase()} ${resource.text}`;
  const watching = /(?:^|&)watch=(?:true|1)(?:&|$)/.test(query);
  return `${watching ? "watch" : resource.named ? "get" : "list"} ${resource.text}`;
}

function parseResource(segments: readonly string[]): { text: string; named: boolean } | undefined {
  const core = segments[0] === "api";
  if (!core && segments[0] !== "apis") return undefined;
  let rest = segments.slice(core ? 2 : 3);
  if (rest[0] === "namespaces" && rest.length > 2) rest = rest.slice(2);
  const [resource = "", name, subresource] = rest;
  const group = core ? "" : `.${segments[1]}`;
  if (!plainSegment.test(resource) || (!core && !plainSegment.test(segments[1] ?? ""))) return undefined;
  const suffix = subresource !== undefined && plainSegment.test(subresource) ? `/${subresource}` : "";
  return { text: `${resource}${group}${suffix}`, named: name !== undefined };
}

function nonResource(pathname: string): string {
  return /^[\w./-]{1,64}$/.test(pathname) ? pathname : "a path of the server";
}
