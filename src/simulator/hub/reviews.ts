// Questions about callers: who one is, what it may do, whose a token is. Answered and never stored.
import type { Attributes, Caller } from "../http/callers.ts";
import { apiVersionOf } from "../http/catalog.ts";
import type { Answer, ResourceRequest } from "../http/engine.ts";
import { apiErrors } from "../http/status.ts";
import type { ServiceAccountTokens } from "./accounts.ts";
import type { Authorizer } from "./authorization.ts";

interface Spec {
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly uid?: string;
  readonly namespace?: string;
  readonly token?: string;
  readonly audiences?: readonly string[];
  readonly resourceAttributes?: Readonly<Record<string, string>>;
  readonly nonResourceAttributes?: Readonly<Record<string, string>>;
}

export interface ReviewParts {
  readonly authorizer: Pick<Authorizer, "allows" | "rulesOf">;
  readonly tokens: Pick<ServiceAccountTokens, "verify">;
  /** Whom the server's own token stands for; undefined for another token. */
  readonly serverCaller: (token: string) => Caller | undefined;
}

/** The answer to a review; undefined for what is no review. Throws ApiError 400 for one that does not say what it asks. */
export function reviewOf({ type, body, caller, namespace }: ResourceRequest, parts: ReviewParts): Answer | undefined {
  if (!/^auth(entic|oriz)ation\.k8s\.io$/.test(type.group)) return undefined;
  const { spec = {} } = (body ?? {}) as { readonly spec?: Spec };
  const status = statusOf(type.resource, spec, caller, namespace, parts);
  if (status === undefined) return undefined;
  const answer = { kind: type.kind, apiVersion: apiVersionOf(type), metadata: {}, spec, status };
  return { type: "body", status: 201, text: JSON.stringify(answer) };
}

function statusOf(resource: string, spec: Spec, caller: Caller, namespace: string, parts: ReviewParts): unknown {
  const { authorizer } = parts;
  switch (resource) {
    case "selfsubjectreviews":
      return { userInfo: caller };
    case "selfsubjectaccessreviews":
      return access(authorizer, caller, attributesOf(spec));
    case "subjectaccessreviews":
      return access(authorizer, subjectOf(spec), attributesOf(spec));
    case "localsubjectaccessreviews": {
      const attributes = attributesOf(spec);
      const here = attributes.type === "resource" ? { ...attributes, namespace } : attributes;
      return access(authorizer, subjectOf(spec), here);
    }
    case "selfsubjectrulesreviews": {
      const rules = authorizer.rulesOf(caller, spec.namespace ?? "");
      return {
        resourceRules: rules.filter((rule) => rule.resources !== undefined),
        nonResourceRules: rules.filter((rule) => rule.nonResourceURLs !== undefined),
        incomplete: false,
      };
    }
    case "tokenreviews":
      return token(spec, parts);
    default:
      return undefined;
  }
}

function access(authorizer: ReviewParts["authorizer"], caller: Caller, attributes: Attributes): unknown {
  const allowed = authorizer.allows(caller, attributes);
  if (!allowed) return { allowed };
  const isMaster = caller.groups.includes("system:masters");
  return { allowed, ...(isMaster ? { reason: "the token of a simulated server may do everything" } : {}) };
}

const subjectOf = ({ user = "", groups = [], uid }: Spec): Caller => ({
  username: user,
  groups,
  ...(uid === undefined ? {} : { uid }),
});

function attributesOf({ resourceAttributes, nonResourceAttributes }: Spec): Attributes {
  if (nonResourceAttributes !== undefined) {
    const { verb = "", path = "" } = nonResourceAttributes;
    return { type: "path", verb, path };
  }
  if (resourceAttributes === undefined) {
    throw apiErrors.badRequest("spec: exactly one of resourceAttributes and nonResourceAttributes must be given");
  }
  const { verb = "", group = "", resource = "", subresource = "", namespace = "", name = "" } = resourceAttributes;
  return { type: "resource", verb, group, resource, subresource, namespace, name };
}

function token({ token: given = "", audiences = [] }: Spec, { tokens, serverCaller }: ReviewParts): unknown {
  const account = tokens.verify(given);
  const caller = account?.caller ?? serverCaller(given);
  const wanted = account === undefined ? audiences : audiences.filter((one) => account.audiences.includes(one));
  const isForAnother = account !== undefined && audiences.length > 0 && wanted.length === 0;
  if (caller === undefined || isForAnother) return { authenticated: false, error: "invalid bearer token" };
  return { authenticated: true, user: caller, audiences: audiences.length > 0 ? wanted : (account?.audiences ?? []) };
}
