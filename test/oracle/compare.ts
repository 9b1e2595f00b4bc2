// Compares the answers of two API servers. What names one moment or one run is masked first; that it is there is still compared.
import type { Reply } from "./api.ts";

export interface Mismatch {
  /** `status`, `type`, `warnings` or `body`, then members. */
  readonly path: string;
  readonly real: unknown;
  readonly ours: unknown;
}

type Members = Readonly<Record<string, unknown>>;
const isMembers = (value: unknown): value is Members =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Everything in which two answers differ. `picks` takes what is compared out of a body. */
export function mismatchesOf(real: Reply, ours: Reply, picks: (body: unknown) => unknown = (body) => body): Mismatch[] {
  const plain = ({ status, contentType, warnings, body }: Reply): Members => ({
    status,
    type: contentType.replaceAll(" ", "").toLowerCase(),
    warnings: warnings.toSorted(),
    body: masked(picks(body)),
  });
  // Whoever refuses what the other accepts differs in all that follows.
  if (real.status !== ours.status) return [{ path: "status", real: outcomeOf(real), ours: outcomeOf(ours) }];
  return differences(plain(real), plain(ours), "");
}

const outcomeOf = ({ status, body }: Reply): string =>
  [
    status,
    isMembers(body) && body["kind"] === "Status" ? body["message"] : typeof body === "string" ? body : "accepted",
  ]
    .join(" ")
    .trim();

function differences(real: unknown, ours: unknown, path: string): Mismatch[] {
  if (isMembers(real) && isMembers(ours)) {
    const members = [...new Set([...Object.keys(real), ...Object.keys(ours)])];
    return members.flatMap((member) =>
      differences(real[member], ours[member], path === "" ? member : `${path}/${member}`),
    );
  }
  if (Array.isArray(real) && Array.isArray(ours) && real.length === ours.length) {
    return real.flatMap((item, i) => differences(item, ours[i], `${path}/${i}`));
  }
  return JSON.stringify(real) === JSON.stringify(ours) ? [] : [{ path, real, ours }];
}

const volatileMembers: ReadonlySet<string> = new Set([
  "uid",
  "resourceVersion",
  "creationTimestamp",
  "deletionTimestamp",
  "lastTransitionTime",
  "time",
  "continue",
]);
const withoutOrder: ReadonlySet<string> = new Set(["managedFields", "verbs", "resources"]);
const uid = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const version = /(resource version|ResourceVersion in precondition|object meta|Current resource version)(:? )\d+/gi;

function masked(value: unknown, member = ""): unknown {
  if (typeof value === "string") {
    if (volatileMembers.has(member) && value !== "") return `<${member}>`;
    if (/^\d+s$/.test(value)) return "<age>";
    return value.replace(uid, "<uid>").replace(time, "<time>").replace(version, "$1$2<version>");
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => masked(item));
    return withoutOrder.has(member) ? items.toSorted(byText) : items;
  }
  if (!isMembers(value)) return value;
  const plain = Object.fromEntries(Object.entries(value).map(([name, below]) => [name, masked(below, name)]));
  return value["kind"] === "Status" ? refusal(plain) : plain;
}

/** A refusal with its causes by field: Go's maps give them in any order, and the message, which repeats them, as well. */
function refusal(status: Members): Members {
  const details = status["details"];
  if (!isMembers(details) || !Array.isArray(details["causes"])) return status;
  const causes = details["causes"].map((cause: Members) => [`${cause["field"]} ${cause["reason"]}`, cause["message"]]);
  const [summary] = String(status["message"]).split(" is invalid: ");
  return { ...status, message: summary, details: { ...details, causes: Object.fromEntries(causes) } };
}

const byText = (a: unknown, b: unknown): number => (sortText(a) < sortText(b) ? -1 : 1);
const sortText = (item: unknown): string => {
  if (!isMembers(item)) return String(item);
  const { manager, operation, subresource, name } = item;
  return JSON.stringify([manager, operation, subresource, name]);
};
