// What can be asked of a simulator's own door, and what is done and answered. Who may ask, and how, is server.ts.
import { ClusterPulseError, InvalidInputError } from "../../support/errors.ts";
import type { ClockControl } from "../advancing-clock.ts";
import type { ChurnState } from "../churn/churn.ts";
import { type ChurnSettings, parseChurn } from "../churn/settings.ts";
import type { FaultRecord } from "../faults/registry.ts";
import { type FaultRule, parseFaultRule } from "../faults/rule.ts";
import type { MembershipChange } from "../fleet/directory.ts";
import type { RequestRecord, ServerRequests } from "../http/request-log.ts";
import type { ProcessReport } from "../process-report.ts";
import type { ScenarioOutline } from "../scenario/control.ts";
import type { ScenarioState } from "../scenario/run.ts";
import type { SnapshotOutline } from "../snapshots.ts";
import type { ExpectedCluster } from "../world/expected.ts";

type Awaitable<T> = T | Promise<T>;
type Listed<T> = Awaitable<readonly T[]>;
type Server = { readonly name: string; readonly url: string };

/** What the door opens on, in this process or in others. Whatever takes a name throws SIMULATED_CLUSTER_UNKNOWN. */
export interface AdminSubject {
  readonly clusters: readonly Server[];
  readonly registries: readonly Server[];
  readonly faults: {
    add(rule: FaultRule): Promise<void>;
    remove(cluster: string, id?: string): Promise<boolean>;
    list(): Listed<FaultRecord>;
  };
  readonly requests: {
    counts(): Listed<{ readonly cluster: string; readonly count: number }>;
    of(cluster: string): Awaitable<ServerRequests>;
    since(sinceMs: number, limit: number): Listed<RequestRecord>;
    polls(): Listed<{ readonly cluster: string; readonly atMs: number }>;
  };
  /** Open connections of every cluster. */
  connections(): Listed<{ readonly cluster: string; readonly sockets: number }>;
  expected(cluster: string): Awaitable<ExpectedCluster>;
  readonly churn: {
    set(settings: ChurnSettings): Awaitable<void>;
    state(): Awaitable<ChurnState>;
    stop(): Awaitable<void>;
    replay(trace: string, speed?: number): Awaitable<void>;
  };
  readonly clock: ClockControl;
  readonly snapshots: {
    take(name: string): Awaitable<SnapshotOutline>;
    list(): Listed<SnapshotOutline>;
    restore(name: string): Promise<void>;
  };
  process(): Awaitable<ProcessReport>;
  /** Prometheus text. */
  metrics(): Awaitable<string>;
  /** Names of processes of the fleet that did not answer when they were asked last: what is of them is missing. Undefined: there are none. */
  silent?(): readonly string[];
  /** Undefined where only a part of a fleet is served: the whole has one. So has it a scenario. */
  readonly directory?: { change(change: MembershipChange): Required<MembershipChange> };
  readonly scenario?: {
    start(yaml: string): ScenarioOutline;
    state(): ScenarioState | null;
    stop(): Promise<void>;
  };
}

export class AdminError extends ClusterPulseError {
  readonly status: number;

  constructor(status: number, message: string) {
    super("ADMIN_REQUEST_REFUSED", message);
    this.status = status;
  }
}

export interface AdminReply {
  readonly status: number;
  /** Sent as JSON, unless a text of another type. */
  readonly body: unknown;
  readonly contentType?: string;
}

export interface AdminRequest {
  /** What the path says for `{name}`; "" where it says nothing. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** Reads the body. Throws AdminError. */
  json(): Promise<unknown>;
}

type Route = (subject: AdminSubject, request: AdminRequest) => Promise<AdminReply>;

const maxListedRequests = 10_000;
const metricsType = "text/plain; version=0.0.4; charset=utf-8";

const told =
  (read: (subject: AdminSubject, request: AdminRequest) => Awaitable<unknown>): Route =>
  async (subject, request) => ({ status: 200, body: await read(subject, request) });

/** By method and path below /sim/v1. docs/simulator.md tells of each. */
export const adminRoutes: Readonly<Record<string, Route>> = {
  "GET clusters": told(({ clusters }) => clusters),
  "POST clusters": told(async (subject, { json }) =>
    partless(subject, "directory").change(readMembershipChange(await json())),
  ),
  "GET clusters/{name}/expected": told(({ expected }, { name }) => expected(name)),
  "GET registries": told(({ registries }) => registries),
  "GET faults": told(({ faults }) => faults.list()),
  "POST faults": async ({ faults }, { json }) => {
    const rule = parseFaultRule(await json());
    await faults.add(rule);
    return { status: 201, body: rule };
  },
  "DELETE faults/{name}": told(async ({ faults }, { name, query }) => {
    const id = query.get("id") ?? undefined;
    const had = await faults.remove(name, id);
    const which = id === undefined ? "fault" : `fault with the id ${JSON.stringify(id)}`;
    if (!had) throw new AdminError(404, `cluster ${JSON.stringify(name)} has no ${which}`);
    return { cluster: name, ...(id === undefined ? {} : { id }), removed: true };
  }),
  "GET churn": told(({ churn }) => churn.state()),
  "PUT churn": told(async ({ churn }, { json }) => {
    await churn.set(parseChurn(await json()));
    return churn.state();
  }),
  "POST churn": told(async ({ churn }, { json }) => {
    const { trace, speed = 1 } = ((await json()) ?? {}) as { trace?: unknown; speed?: unknown };
    if (typeof trace !== "string" || typeof speed !== "number") {
      throw new AdminError(400, "trace: must be the text of a trace; speed: a number");
    }
    await churn.replay(trace, speed);
    return churn.state();
  }),
  "DELETE churn": told(async ({ churn }) => {
    await churn.stop();
    return churn.state();
  }),
  "GET clock": told(({ clock }) => ({ nowMs: clock.nowMs() })),
  "POST clock/advance": told(async ({ clock }, { json }) => {
    const { ms } = ((await json()) ?? {}) as { ms?: unknown };
    await clock.advance(ms as number);
    return { nowMs: clock.nowMs() };
  }),
  "GET snapshot": told(({ snapshots }) => snapshots.list()),
  "POST snapshot": async ({ snapshots }, { json }) => ({ status: 201, body: await snapshots.take(await nameIn(json)) }),
  "POST restore": told(async ({ snapshots }, { json }) => {
    const name = await nameIn(json);
    await snapshots.restore(name);
    return { name };
  }),
  "GET scenario": told((subject) => partless(subject, "scenario").state()),
  "POST scenario": async (subject, { json }) => {
    const { yaml } = ((await json()) ?? {}) as { yaml?: unknown };
    if (typeof yaml !== "string") throw new AdminError(400, "yaml: must be the text of a scenario");
    return { status: 201, body: partless(subject, "scenario").start(yaml) };
  },
  "DELETE scenario": told(async (subject) => {
    await partless(subject, "scenario").stop();
    return partless(subject, "scenario").state();
  }),
  "GET requests": told(({ requests }, { query }) => requestsOf(requests, query)),
  "GET polls": told(({ requests }) => requests.polls()),
  "GET connections": told((subject) => subject.connections()),
  "GET process": told((subject) => subject.process()),
  "GET metrics": async (subject) => ({ status: 200, body: await subject.metrics(), contentType: metricsType }),
};

async function nameIn(json: AdminRequest["json"]): Promise<string> {
  const { name } = ((await json()) ?? {}) as { name?: unknown };
  if (typeof name !== "string") throw new AdminError(400, "name: must be that of a snapshot");
  return name;
}

/** What only a whole fleet has. */
function partless<K extends "directory" | "scenario">(subject: AdminSubject, member: K): NonNullable<AdminSubject[K]> {
  const found = subject[member];
  if (found === undefined) throw unknownRoute();
  return found;
}

export const unknownRoute = (): AdminError =>
  new AdminError(404, `no such method and path; below /sim/v1/ there are ${Object.keys(adminRoutes).join(", ")}`);

/** Counters of every server that was asked; with `cluster` that one's recent requests as well; with `since` the recent ones of all. */
function requestsOf({ counts, of, since }: AdminSubject["requests"], query: URLSearchParams): Awaitable<unknown> {
  const cluster = query.get("cluster");
  if (cluster !== null) return of(cluster);
  const sinceMs = wholeNumber(query, "since", Number.MAX_SAFE_INTEGER);
  const limit = wholeNumber(query, "limit", maxListedRequests) ?? maxListedRequests;
  return sinceMs === undefined ? counts() : since(sinceMs, limit);
}

function wholeNumber(query: URLSearchParams, name: string, high: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= high)) throw new AdminError(400, `${name}: must be a whole number from 0 to ${high}`);
  return value;
}

function readMembershipChange(input: unknown): MembershipChange {
  const { add, remove, ...unknown } = (typeof input === "object" && input !== null ? input : {}) as MembershipChange;
  const problems = Object.keys(unknown).map((field) => `${field}: unknown field; known are add, remove`);
  for (const [field, names] of Object.entries({ add, remove })) {
    const areNames = Array.isArray(names) && names.every((name) => typeof name === "string");
    if (names !== undefined && !areNames) problems.push(`${field}: must be a list of names of clusters`);
  }
  if (add === undefined && remove === undefined) problems.push("add, remove: one of them must be there");
  if (problems.length > 0) throw new InvalidInputError(problems);
  const both = add?.find((name) => remove?.includes(name));
  if (both !== undefined) throw new InvalidInputError([`add, remove: ${both} is in both`]);
  return { ...(add && { add }), ...(remove && { remove }) };
}
