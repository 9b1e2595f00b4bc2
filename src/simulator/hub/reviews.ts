// Questions about the caller. Whoever holds the token of a simulated server is its administrator: everything is allowed.
import { apiVersionOf } from "../http/catalog.ts";
import type { Answer, ResourceRequest } from "../http/engine.ts";

const administrator = { username: "kubernetes-admin", groups: ["system:masters", "system:authenticated"] };
const everything = { verbs: ["*"], apiGroups: ["*"], resources: ["*"] };
const allowed = { allowed: true, reason: "the token of a simulated server may do everything" };

const statuses: Readonly<Record<string, unknown>> = {
  selfsubjectreviews: { userInfo: administrator },
  selfsubjectaccessreviews: allowed,
  subjectaccessreviews: allowed,
  localsubjectaccessreviews: allowed,
  selfsubjectrulesreviews: {
    resourceRules: [everything],
    nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
    incomplete: false,
  },
};

/** The answer to a review, which is never stored; undefined for what is no review. */
export function reviewOf({ type, body }: ResourceRequest): Answer | undefined {
  const status = statuses[type.resource];
  if (status === undefined || !/^auth(entic|oriz)ation\.k8s\.io$/.test(type.group)) return undefined;
  const { spec = {} } = (body ?? {}) as { readonly spec?: unknown };
  const answer = { kind: type.kind, apiVersion: apiVersionOf(type), metadata: {}, spec, status };
  return { type: "body", status: 201, text: JSON.stringify(answer) };
}
