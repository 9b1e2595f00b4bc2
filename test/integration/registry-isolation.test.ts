// The promise for registries, for real: a whole hub, simulated registries, real sockets, real time. One registry for each fault there is,
// all at once, and ten that work. One fault at a time, and for longer, is in virtual time (test/unit/actors/registry/isolation.test.ts).
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type HubProcess, openHubProcess } from "../../src/cli/hub-process.ts";
import {
  type FaultName,
  type FaultParameters,
  faultNames,
  type Simulator,
  startSimulator,
} from "../../src/simulator/index.ts";
import { silentLogger } from "../../src/support/log.ts";
import { type HubApi, openHubApi } from "../support/hub-api.ts";
import { eventually, pause } from "../support/processes.ts";

const intervalMs = 4_000;
const namespace = "clusterpulse";
const base = `/apis/clusterpulse.io/v1alpha1/namespaces/${namespace}/registryconnections`;

interface Case {
  readonly fault: FaultName;
  readonly parameters?: FaultParameters;
  readonly health: "healthy" | "degraded" | "unhealthy";
  readonly reason: string;
  /** What the message says of the cause. */
  readonly message: RegExp;
  /** Of the condition: it answered, whatever it said. */
  readonly reached: boolean;
  /** What could not be had of it. */
  readonly missing?: readonly string[];
}

const silent = { health: "unhealthy", reached: false } as const;
const refused = { health: "unhealthy", reached: true } as const;
const available = { health: "healthy", reason: "Available", message: /^Registry is healthy$/, reached: true } as const;
const wrongPassword = {
  health: "degraded",
  reason: "AuthFailed",
  message: /^the registry does not accept the credentials$/,
  reached: true,
  missing: ["catalog"],
} as const;
const noCatalog = { ...available, missing: ["catalog"] } as const;
const cases: readonly Case[] = [
  { ...silent, fault: "blackhole", reason: "ConnectTimeout", message: /no connection to 127\.0\.0\.1:\d+ within/ },
  { ...silent, fault: "refuse", reason: "ConnectionRefused", message: /connection refused by 127/ },
  { ...silent, fault: "hang", reason: "RequestTimeout", message: /no complete answer from 127/ },
  { ...available, fault: "latency", parameters: { latencyMs: 300 } },
  {
    ...silent,
    fault: "slowbody",
    parameters: { bytesPerSec: 1 },
    reason: "RequestTimeout",
    message: /no complete answer from 127/,
  },
  { ...noCatalog, fault: "slowbody", parameters: { bytesPerSec: 20 } },
  { ...wrongPassword, fault: "status", parameters: { code: 401 } },
  { ...refused, fault: "status", parameters: { code: 403 }, reason: "Forbidden", message: /forbids the request/ },
  { ...refused, fault: "status", parameters: { code: 404 }, reason: "NotFound", message: /nothing at this path/ },
  { ...refused, fault: "status", parameters: { code: 429 }, reason: "TooManyRequests", message: /too many/ },
  { ...refused, fault: "status", parameters: { code: 502 }, reason: "ServerError", message: /error \(502\)/ },
  { ...refused, fault: "status", reason: "ServerError", message: /error \(503\)/ },
  { ...silent, fault: "reset", reason: "ConnectionReset", message: /closed by .* before the answer was complete/ },
  { ...noCatalog, fault: "truncate" },
  { ...noCatalog, fault: "garbage" },
  { ...refused, fault: "garbage", parameters: { variant: "html" }, reason: "ResponseMalformed", message: /a web page/ },
  { ...silent, fault: "tls", reason: "TLSCertificateExpired", message: /certificate has expired$/ },
  {
    ...silent,
    fault: "tls",
    parameters: { variant: "wrongHost" },
    reason: "TLSHostMismatch",
    message: /another host$/,
  },
  {
    ...silent,
    fault: "tls",
    parameters: { variant: "unknownCa" },
    reason: "TLSUnknownAuthority",
    message: /unknown authority$/,
  },
  {
    ...silent,
    fault: "tls",
    parameters: { variant: "handshakeStall" },
    reason: "ConnectTimeout",
    message: /no connection to/,
  },
  { ...wrongPassword, fault: "unauthorized" },
  {
    ...silent,
    fault: "flap",
    parameters: { downMs: 10_000, upMs: 60_000 },
    reason: "ConnectionRefused",
    message: /connection refused by 127/,
  },
  { ...available, fault: "watch410" },
  { ...available, fault: "watchstall" },
];

interface Row {
  readonly name: string;
  readonly status: { readonly health: string; readonly reason: string; readonly message: string };
  readonly missing: readonly string[];
}
interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

let simulator: Simulator;
let api: HubApi;
let hub: HubProcess;
let working: readonly string[];
let broken: readonly string[];
const rows = async (): Promise<Row[]> => (await (await fetch(`${hub.url}/api/v1/registries/status`)).json()) as Row[];

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 1, registries: 10 + cases.length, seed: 3, preset: "tiny" });
  simulator.register({ namespace, intervalSeconds: intervalMs / 1_000 });
  api = await openHubApi(simulator);
  const names = simulator.registries.map(({ name }) => name);
  // A canary that is late on a slow machine would stay so for a minute.
  for (const name of names) await api.patch(`${base}/${name}`, { spec: { canary: null } });
  working = names.slice(0, 10);
  broken = names.slice(10);
  hub = await openHubProcess({ version: "test", namespace, port: 0, log: silentLogger });
  hub.watch({
    kubeconfig: api.kubeconfig,
    limits: { schedule: { minIntervalMs: intervalMs, minTimeoutMs: 1_000, defaultTimeoutMs: 3_000 } },
  });
  await eventually(
    async () => (await rows()).filter(({ status }) => status.health === "healthy").length === names.length,
    60_000,
    "every registry is healthy",
  );
  // Past the spread, so that every check is due one interval after the one before.
  await pause(1.5 * intervalMs);
});
afterAll(async () => {
  await hub?.stop(4_000);
  await api?.close();
  await simulator?.close();
});

/** A check that was missed would make the time between two of them two intervals. */
function expectNoMissedCheck(fromMs: number): void {
  for (const name of working) {
    const checks = simulator.requests
      .recent(name)
      .filter(({ path, atMs }) => path === "/v2/" && atMs >= fromMs - intervalMs)
      .map(({ atMs }) => atMs);
    expect(checks.length, name).toBeGreaterThanOrEqual(2);
    for (let i = 1; i < checks.length; i++)
      expect((checks[i] ?? 0) - (checks[i - 1] ?? 0), name).toBeLessThan(1.9 * intervalMs);
  }
}

async function conditionsOf(name: string): Promise<Readonly<Record<string, Condition>>> {
  const { status } = await api.get<{ status?: { conditions?: Condition[] } }>(`${base}/${name}`);
  return Object.fromEntries((status?.conditions ?? []).map((condition) => [condition.type, condition]));
}

test("every fault name of the simulator is tried", () => {
  expect(faultNames.filter((name) => cases.every(({ fault }) => fault !== name))).toEqual([]);
});

describe("a registry for each fault", () => {
  test("says what is wrong with it, while ten others never miss a check; and heals", { timeout: 180_000 }, async () => {
    const fromMs = Date.now();
    await Promise.all(
      cases.map(({ fault, parameters }, i) =>
        simulator.faults.add({ cluster: broken[i] as string, fault, ...(parameters && { parameters }) }),
      ),
    );
    // All at once: one that flaps is soon up again.
    await Promise.all(cases.map((one, i) => expectCause(broken[i] as string, one)));
    await pause(intervalMs);
    const well = (await rows()).filter(({ status }) => status.health === "healthy").map(({ name }) => name);
    expect(well).toEqual(expect.arrayContaining([...working]));
    for (const name of broken) {
      await simulator.faults.remove(name);
      // An edited spec is worth a check at once: nobody has to wait for a breaker that may have opened.
      await api.patch(`${base}/${name}`, { spec: { displayName: "mended" } });
    }
    await eventually(
      async () => (await rows()).every(({ status, missing }) => status.health === "healthy" && missing.length === 0),
      60_000,
      "all heal",
    );
    expectNoMissedCheck(fromMs);
  });
});

async function expectCause(name: string, { health, reason, message, reached, missing = [] }: Case): Promise<void> {
  let last: unknown;
  const isWhole = health === "healthy" && missing.length === 0;
  const degraded = isWhole ? "False" : "True";
  const { row, conditions } = await eventually(
    async () => {
      const row = (await rows()).find((one) => one.name === name);
      const isThere =
        row?.status.health === health && row.status.reason === reason && `${row.missing}` === `${missing}`;
      const conditions = isThere ? await conditionsOf(name) : {};
      last = { row, conditions };
      const isSaid = conditions["Ready"]?.reason === reason && conditions["Degraded"]?.status === degraded;
      return isThere && isSaid && { row, conditions };
    },
    60_000,
    () => `${name} with ${reason} ${missing}, but ${JSON.stringify(last)}`,
  );
  expect(row.status.message.replace(/; probing again at \S+$/, ""), name).toMatch(message);
  expect(conditions["Ready"], name).toMatchObject({ status: health === "healthy" ? "True" : "False" });
  expect(conditions["Ready"]?.message, name).toMatch(message);
  expect(conditions["Reachable"]?.status, name).toBe(reached ? "True" : "False");
  const lacking = missing.length > 0 ? { status: "False", reason: "Incomplete" } : {};
  expect(conditions["Synced"], name).toMatchObject(lacking);
}
