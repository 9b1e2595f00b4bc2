// Which part of the traffic a fault meets: parameters that every fault of requests, or of connections, takes beside its own. Chance is
// drawn from a seed and the number of the request, so that the same requests in the same order meet the same faults.
import { hash32, mix32 } from "../../support/random.ts";
import type { ParameterTable, ValuesOf } from "./bounds.ts";
import type { RequestFacts } from "./facts.ts";

const verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"] as const;
const maxPatternLength = 256;
const anyMs = { kind: "number", low: 0, high: 86_400_000, unit: "milliseconds" } as const;

const times = {
  startMs: { ...anyMs, otherwise: 0, about: "it begins so long after it was switched on" },
  durationMs: { ...anyMs, low: 1, about: "it ends by itself after so long" },
  seed: {
    kind: "number",
    low: 0,
    high: 0xffff_ffff,
    unit: "as you like",
    otherwise: 0,
    about: "what chance is drawn from; the same seed gives the same choice",
  },
} as const satisfies ParameterTable;

const turns = {
  onMs: { ...anyMs, low: 50, about: "it is on for so long, then off for offMs, and again" },
  offMs: { ...anyMs, low: 50, about: "beside onMs; as long as that unless told" },
  onOffJitter: {
    kind: "number",
    low: 0,
    high: 1,
    unit: "a share",
    hasFraction: true,
    otherwise: 0,
    about: "beside onMs: how far a turn may be off, as a share of half the shorter of the two; drawn from the seed",
  },
} as const satisfies ParameterTable;

const samples = {
  probability: {
    kind: "number",
    low: 0,
    high: 1,
    unit: "a share",
    hasFraction: true,
    otherwise: 1,
    about: "it meets such a share, by chance",
  },
  everyNth: {
    kind: "number",
    low: 1,
    high: 1_000_000,
    unit: "of a row",
    otherwise: 1,
    about: "it meets every so many-th",
  },
  count: { kind: "number", low: 1, high: 1_000_000_000, unit: "times", about: "it is over after so many" },
} as const satisfies ParameterTable;

const pattern = (about: string) => ({ kind: "text", maxLength: maxPatternLength, about }) as const;

const matches = {
  verb: { ...pattern("requests of these verbs alone"), parts: { known: verbs } },
  resource: {
    ...pattern("requests for these resources alone, such as `pods,*/status`"),
    parts: {
      pattern: /^[a-z0-9*./-]{1,100}$/,
      says: "plural names with commas between, such as pods,clusterconnections/status; * stands for anything",
    },
  },
  path: pattern("paths like this alone, such as `/apis/*`; `*` stands for anything"),
  userAgent: pattern("clients that call themselves like this alone, such as `kubectl/*`"),
  watch: { kind: "flag", about: "watches alone, or all but watches" },
} as const satisfies ParameterTable;

/** What a fault meets: single requests, connections before there is a request, or the server as a whole. */
export type Traffic = "requests" | "connections" | "server";

/** Answers of faults of requests can say who spoilt them. */
const header = {
  header: { kind: "flag", otherwise: false, about: "answers that it meets carry X-Sim-Fault with its id" },
} as const satisfies ParameterTable;

export const trafficTables = {
  requests: { ...matches, ...samples, ...times, ...turns, ...header },
  connections: { ...samples, ...times, ...turns },
  server: times,
} as const satisfies Readonly<Record<Traffic, ParameterTable>>;

export type RequestTraffic = ValuesOf<typeof trafficTables.requests>;
export type ConnectionTraffic = ValuesOf<typeof trafficTables.connections>;

/** Whether only a part of all connections is meant. */
export const isSampled = ({ probability, everyNth, count }: ConnectionTraffic): boolean =>
  probability < 1 || everyNth > 1 || count !== undefined;

/** Which requests are meant at all, whatever chance says. */
export function matcherOf({
  verb,
  resource,
  path,
  userAgent,
  watch,
}: RequestTraffic): (facts: RequestFacts) => boolean {
  const verbsMeant = verb?.split(",");
  const resources = resource?.split(",");
  return (facts) =>
    (verbsMeant?.includes(facts.verb) ?? true) &&
    (resources?.some((one) => matchesGlob(one, facts.resource)) ?? true) &&
    (path === undefined || matchesGlob(path, facts.path)) &&
    (userAgent === undefined || matchesGlob(userAgent, facts.userAgent)) &&
    (watch === undefined || watch === facts.isWatch);
}

/** Whether a text is like a pattern, in which `*` stands for any text. Never goes back: time is linear in the text for each star. */
export function matchesGlob(glob: string, text: string): boolean {
  const [first = "", ...rest] = glob.split("*");
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

/** Says of one request or connection after the other whether it is met. */
export class Sampler {
  readonly #traffic: Pick<RequestTraffic, "probability" | "everyNth" | "count" | "seed">;
  readonly #salt: number;
  #seen = 0;
  #met = 0;

  /** @param name tells one rule's chances from another's with the same seed */
  constructor(traffic: Pick<RequestTraffic, "probability" | "everyNth" | "count" | "seed">, name: string) {
    this.#traffic = traffic;
    this.#salt = hash32(`${traffic.seed}/${name}`);
  }

  next(): boolean {
    const { probability, everyNth, count } = this.#traffic;
    const number = ++this.#seen;
    if (number % everyNth !== 0 || (count !== undefined && this.#met >= count)) return false;
    if (mix32(this.#salt + Math.imul(number, 0x9e3779b9)) / 0x1_0000_0000 >= probability) return false;
    this.#met++;
    return true;
  }
}
