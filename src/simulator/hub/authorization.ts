// Who may do what: the roles and bindings of the store, as a real server reads them. Members of system:masters may do everything; whoever
// is known may see what the server is and ask about itself.
import type { Attributes, Caller, Gate } from "../http/callers.ts";
import type { ResourceType } from "../http/catalog.ts";
import { ApiError } from "../http/status.ts";
import { clusterRoleBindingType, clusterRoleType, roleBindingType, roleType } from "../kinds/types.ts";
import type { ServiceAccountTokens } from "./accounts.ts";
import { type KubeObject, keyOf } from "./object.ts";
import type { HubStore } from "./store.ts";

export interface PolicyRule {
  readonly verbs?: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** What members of system:masters may do. */
export const everything: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/** What everybody may who is known. */
const basics: readonly PolicyRule[] = [
  {
    verbs: ["create"],
    apiGroups: ["authorization.k8s.io"],
    resources: ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
  },
  { verbs: ["create"], apiGroups: ["authentication.k8s.io"], resources: ["selfsubjectreviews"] },
  {
    verbs: ["get"],
    nonResourceURLs: ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi/*", "/readyz", "/version"],
  },
];

export class Authorizer implements Gate {
  readonly #store: HubStore;
  readonly #tokens: ServiceAccountTokens;

  constructor(store: HubStore, tokens: ServiceAccountTokens) {
    this.#store = store;
    this.#tokens = tokens;
  }

  callerOf(token: string): Caller | undefined {
    return this.#tokens.verify(token)?.caller;
  }

  check(caller: Caller, attributes: Attributes): void {
    if (!this.allows(caller, attributes)) throw forbidden(caller, attributes);
  }

  allows(caller: Caller, attributes: Attributes): boolean {
    const namespace = attributes.type === "resource" ? attributes.namespace : "";
    return this.rulesOf(caller, namespace).some((rule) => covers(rule, attributes));
  }

  /** What the caller may do in the namespace; "" for what it may do everywhere. */
  rulesOf(caller: Caller, namespace: string): readonly PolicyRule[] {
    if (caller.groups.includes("system:masters")) return everything;
    const known = caller.groups.includes("system:authenticated") ? basics : [];
    const bindings = [
      ...this.#objects(clusterRoleBindingType),
      ...this.#objects(roleBindingType).filter(({ metadata }) => metadata.namespace === namespace),
    ];
    return [...known, ...bindings.filter((binding) => isBound(binding, caller)).flatMap((one) => this.#rules(one))];
  }

  #objects(type: ResourceType): readonly KubeObject[] {
    return this.#store
      .table(type)
      .list()
      .map(({ object }) => object);
  }

  #rules(binding: KubeObject): readonly PolicyRule[] {
    const { kind, name } = binding["roleRef"] as { readonly kind?: string; readonly name?: string };
    const type = kind === "ClusterRole" ? clusterRoleType : roleType;
    const namespace = kind === "ClusterRole" ? "" : (binding.metadata.namespace ?? "");
    const role = this.#store.table(type).get(keyOf(namespace, name ?? ""))?.object;
    return (role?.["rules"] ?? []) as readonly PolicyRule[];
  }
}

function isBound(binding: KubeObject, caller: Caller): boolean {
  const subjects = (binding["subjects"] ?? []) as readonly Readonly<Record<string, string>>[];
  return subjects.some(({ kind, name = "", namespace = binding.metadata.namespace ?? "" }) => {
    switch (kind) {
      case "User":
        return name === caller.username;
      case "Group":
        return caller.groups.includes(name);
      case "ServiceAccount":
        return caller.username === `system:serviceaccount:${namespace}:${name}`;
      default:
        return false;
    }
  });
}

const has = (list: readonly string[] | undefined, value: string): boolean =>
  list?.some((one) => one === "*" || one === value) === true;

function covers(rule: PolicyRule, attributes: Attributes): boolean {
  if (!has(rule.verbs, attributes.verb)) return false;
  if (attributes.type === "path") {
    return (rule.nonResourceURLs ?? []).some(
      (url) => url === attributes.path || (url.endsWith("*") && attributes.path.startsWith(url.slice(0, -1))),
    );
  }
  const { group, resource, subresource, name } = attributes;
  const { resources, resourceNames = [] } = rule;
  const isResource =
    subresource === ""
      ? has(resources, resource)
      : has(resources, `${resource}/${subresource}`) || has(resources, `*/${subresource}`);
  return has(rule.apiGroups, group) && isResource && (resourceNames.length === 0 || resourceNames.includes(name));
}

function forbidden({ username }: Caller, attributes: Attributes): ApiError {
  const user = `User ${JSON.stringify(username)}`;
  if (attributes.type === "path") {
    const { verb, path } = attributes;
    const message = `forbidden: ${user} cannot ${verb} path ${JSON.stringify(path)}`;
    return new ApiError(403, "Forbidden", message);
  }
  const { verb, group, resource, subresource, namespace, name } = attributes;
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  const where = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
  const subject = `${group === "" ? resource : `${resource}.${group}`}${name === "" ? "" : ` ${JSON.stringify(name)}`}`;
  const what = `${user} cannot ${verb} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}`;
  return new ApiError(403, "Forbidden", `${subject} is forbidden: ${what}`, {
    ...(name === "" ? {} : { name }),
    ...(group === "" ? {} : { group }),
    kind: resource,
  });
}
