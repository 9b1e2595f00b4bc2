// The promise for real: a simulated fleet, real sockets, real threads, real time. Short; the long form is in virtual time
// (test/unit/actors/hub/isolation.test.ts).
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Hub } from "../../actors/hub/hub.ts";
import type { ActorDefinition } from "../../actors/system/index.ts";
import { type HubProcess, openHubProcess } from "../../src/cli/hub-process.ts";
import { KubeError } from "../../src/kube/errors.ts";
import { loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { pollStarts } from "../../src/simulator/http/poll-starts.ts";
import {
  type FaultName,
  type FaultParameters,
  faultNames,
  type Simulator,
  startSimulator,
} from "../../src/simulator/index.ts";
import { silentLogger } from "../../src/support/log.ts";
import { eventually, pause } from "../support/processes.ts";
import { httpServer, type TestServer } from "../support/tls-server.ts";

/** Three slow answers in a row fit into it, so that slow stays apart from silent. */
const intervalMs = 4_000;
const namespace = "clusterpulse";
const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-isolation-"));
let simulator: Simulator;
let process_: HubProcess;
let hub: Hub;
let hubApi: KubeTransport;
/** Announces answers that are larger than any that are taken. */
let endless: TestServer;

interface Row {
  readonly name: string;
  readonly status: { readonly health: string; readonly reason: string; readonly message: string };
}
const rows = async (): Promise<Row[]> => (await (await fetch(`${process_.url}/api/v1/clusters`)).json()) as Row[];

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 25, seed: 11, preset: "tiny" });
  simulator.register({ namespace, intervalSeconds: intervalMs / 1_000 });
  const kubeconfig = join(scratch, "kubeconfig");
  writeFileSync(kubeconfig, simulator.kubeconfig(), { mode: 0o600 });
  const config = await loadHubKubeconfig({ path: kubeconfig, env: {} });
  hubApi = createTransport(config.credentials, {}, "test");
  endless = await httpServer(
    (_request, response) => void response.writeHead(200, { "content-length": 1 << 30 }).flushHeaders(),
  );
  process_ = await openHubProcess({ version: "test", namespace, port: 0, log: silentLogger });
  hub = process_.watch({
    kubeconfig: config,
    limits: { schedule: { minIntervalMs: intervalMs, minTimeoutMs: 1_000, defaultTimeoutMs: 3_000 } },
    // Far enough apart that a slow machine does not take one for the other.
    clusterLimits: { connectTimeoutMs: 600, headersTimeoutMs: 1_600 },
    resolve: (name) => Promise.reject(new KubeError("DNS_FAILED", `the host name ${name} cannot be resolved`)),
  });
  await eventually(
    async () => (await rows()).filter(({ status }) => status.health === "healthy").length === 25,
    30_000,
    "a healthy fleet",
  );
  // Past the spread, so that every poll is due one interval after the one before.
  await pause(1.5 * intervalMs);
});
afterAll(async () => {
  await process_.stop(4_000);
  await hubApi.close();
  await endless.close();
  await simulator.close();
  rmSync(scratch, { recursive: true, force: true });
});

function pollsMs(name: string): number[] {
  const startOf = pollStarts();
  return simulator.requests.recent(name).flatMap(({ path, atMs }) => startOf(path, atMs) ?? []);
}

/** No healthy cluster's polls are further apart than one interval and a little: a missed one would make it two. */
function expectNoMissedPoll(names: readonly string[], fromMs: number): void {
  for (const name of names) {
    const polls = pollsMs(name).filter((at) => at >= fromMs - intervalMs);
    expect(polls.length, name).toBeGreaterThanOrEqual(Math.floor((Date.now() - fromMs) / intervalMs));
    for (let i = 1; i < polls.length; i++)
      expect((polls[i] ?? 0) - (polls[i - 1] ?? 0), name).toBeLessThan(1.6 * intervalMs);
  }
}

interface Case {
  readonly fault: FaultName | "dns" | "too large";
  readonly parameters?: FaultParameters;
  /** Of the row, and of the condition Ready. */
  readonly reason: string;
  /** What the message says of the cause. */
  readonly message: RegExp;
  /** Of the condition; where an answer came, the cluster was reached. */
  readonly reached?: true;
  readonly health?: "healthy" | "degraded";
  /** It comes back by itself, also while the fault is on. */
  readonly heals?: true;
}

/** Every fault of the simulator, where it has kinds each of them, and what it cannot be told to do: five at a time. */
const rounds: readonly (readonly Case[])[] = [
  [
    { fault: "blackhole", reason: "ConnectTimeout", message: /^no connection to 127\.0\.0\.1:\d+ within 600 ms$/ },
    { fault: "refuse", reason: "ConnectionRefused", message: /^connection refused by 127/ },
    { fault: "hang", reason: "ResponseTimeout", message: /^no response headers from 127.* within 1\.6 s$/ },
    {
      fault: "slowbody",
      parameters: { bytesPerSec: 8 },
      reason: "RequestTimeout",
      message: /^no complete answer from/,
    },
    {
      fault: "latency",
      parameters: { latencyMs: 1_100 },
      reason: "Slow",
      message: /^API server answers slowly/,
      reached: true,
      health: "degraded",
    },
  ],
  [
    { fault: "status", parameters: { code: 401 }, reason: "Unauthorized", message: /^unauthorized/, reached: true },
    { fault: "status", parameters: { code: 403 }, reason: "Forbidden", message: /may not list pods/, reached: true },
    { fault: "status", parameters: { code: 429 }, reason: "TooManyRequests", message: /^too many/, reached: true },
    { fault: "status", parameters: { code: 500 }, reason: "ServerError", message: /status 500$/, reached: true },
    { fault: "status", parameters: { code: 503 }, reason: "ServerError", message: /status 503$/, reached: true },
  ],
  [
    { fault: "tls", reason: "TLSCertificateExpired", message: /certificate has expired$/ },
    { fault: "tls", parameters: { variant: "wrongHost" }, reason: "TLSHostMismatch", message: /for another host$/ },
    {
      fault: "tls",
      parameters: { variant: "unknownCa" },
      reason: "TLSUnknownAuthority",
      message: /unknown authority$/,
    },
    { fault: "tls", parameters: { variant: "handshakeStall" }, reason: "ConnectTimeout", message: /^no connection to/ },
    { fault: "reset", reason: "ConnectionReset", message: /^connection closed by .* before the answer was complete$/ },
  ],
  [
    { fault: "truncate", reason: "ResponseMalformed", message: /not|malformed|cut/, reached: true },
    { fault: "garbage", reason: "ResponseMalformed", message: /not|malformed/, reached: true },
    { fault: "garbage", parameters: { variant: "html" }, reason: "ResponseMalformed", message: /not/, reached: true },
    {
      fault: "garbage",
      parameters: { variant: "gzip" },
      reason: "ResponseMalformed",
      message: /not|gzip/,
      reached: true,
    },
    { fault: "unauthorized", reason: "Unauthorized", message: /does not accept the credentials$/, reached: true },
  ],
  [
    { fault: "dns", reason: "NameNotResolved", message: /^the host name nowhere\.example cannot be resolved$/ },
    { fault: "too large", reason: "ResponseTooLarge", message: /larger than/, reached: true },
    { fault: "flap", reason: "ConnectionRefused", message: /^connection refused by 127/, heals: true },
    { fault: "watch410", reason: "Reachable", message: /^Cluster is reachable$/, reached: true, health: "healthy" },
    { fault: "watchstall", reason: "Reachable", message: /^Cluster is reachable$/, reached: true, health: "healthy" },
  ],
];

test("every fault name of the simulator is in a round", () => {
  const tried = new Set<string>(rounds.flat().map(({ fault }) => fault));
  expect(faultNames.filter((name) => !tried.has(name))).toEqual([]);
});

describe("five of twenty-five clusters broken", () => {
  test.each(rounds.map((round) => ({ round, title: round.map(titleOf).join(", ") })))(
    "$title: the other twenty never miss a poll, and each of the five names its cause",
    { timeout: 90_000 },
    async ({ round }) => {
      const names = simulator.clusters.map(({ name }) => name);
      const broken = names.filter((_, i) => i % 5 === 1);
      const healthy = names.filter((name) => !broken.includes(name));
      const fromMs = Date.now();
      const heal = await Promise.all(round.map((one, i) => breakCluster(broken[i] as string, one)));
      for (const [i, { reason, message, reached, health = "unhealthy", heals }] of round.entries()) {
        const name = broken[i] as string;
        let last: Row | undefined;
        const { found: conditions, row } = await eventually(
          async () => {
            const row = (await rows()).find((one) => one.name === name);
            const found = await conditionsOf(name);
            last = row;
            return row?.status.health === health && row.status.reason === reason && found["Ready"]?.reason === reason
              ? { found, row }
              : undefined;
          },
          40_000,
          () => `${name} with ${reason}, but ${JSON.stringify(last?.status)}`,
        );
        expect(row.status.message.replace(/; probing again at \S+$/, ""), name).toMatch(message);
        expect(conditions["Ready"], name).toMatchObject({ status: health === "unhealthy" ? "False" : "True" });
        expect(conditions["Ready"]?.message, name).toMatch(message);
        expect(conditions["Reachable"]?.status, name).toBe(reached ? "True" : "False");
        expect(conditions["Degraded"]?.status, name).toBe(health === "healthy" ? "False" : "True");
        if (heals)
          await eventually(
            async () => (await rows()).some((one) => one.name === name && one.status.health === "healthy"),
            60_000,
            `${name} is up again`,
          );
      }
      await pause(intervalMs);
      const well = (await rows()).filter(({ status }) => status.health === "healthy").map(({ name }) => name);
      expect(well).toEqual(expect.arrayContaining(healthy.toSorted()));
      expectNoMissedPoll(healthy, fromMs);
      for (const [i, mend] of heal.entries()) {
        await mend();
        // An edited spec is worth a poll at once: nobody has to wait for a breaker that may have opened.
        await patchSpec(broken[i] as string, { displayName: `mended ${Date.now()}` });
      }
      await eventually(
        async () => (await rows()).every(({ status }) => status.health === "healthy"),
        40_000,
        "all heal",
      );
      expectNoMissedPoll(healthy, fromMs);
    },
  );
});

function titleOf({ fault, parameters }: Case): string {
  return [fault, ...Object.values(parameters ?? {})].join(" ");
}

/** Returns what mends it again. */
async function breakCluster(cluster: string, { fault, parameters }: Case): Promise<() => Promise<unknown>> {
  if (fault !== "dns" && fault !== "too large") {
    await simulator.faults.add({ cluster, fault, ...(parameters && { parameters }) });
    return () => simulator.faults.remove(cluster);
  }
  const url = simulator.clusters.find(({ name }) => name === cluster)?.url ?? "";
  await patchSpec(cluster, { endpoint: fault === "dns" ? "https://nowhere.example:6443" : endless.url });
  return () => patchSpec(cluster, { endpoint: url });
}

const pathOf = (name: string): string =>
  `/apis/clusterpulse.io/v1alpha1/namespaces/${namespace}/clusterconnections/${name}`;
const small = () => ({ signal: AbortSignal.timeout(20_000), maxBytes: 1 << 20 });

async function patchSpec(name: string, spec: object): Promise<void> {
  const body = { spec };
  await hubApi.requestJson("PATCH", pathOf(name), { ...small(), body, contentType: "application/merge-patch+json" });
}

interface ShownCondition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

async function conditionsOf(name: string): Promise<Readonly<Record<string, ShownCondition>>> {
  const { body } = await hubApi.requestJson("GET", pathOf(name), small());
  const { conditions = [] } = (body as { status?: { conditions?: ShownCondition[] } }).status ?? {};
  return Object.fromEntries(conditions.map((condition) => [condition.type, condition]));
}

interface ActorRow {
  readonly path: string;
  readonly state: string;
  readonly restarts: number;
  readonly lastError: { readonly code: string; readonly message: string } | null;
  readonly runs: readonly { readonly name: string; readonly deadlineAtMs: number }[];
  readonly mailbox: { readonly overflowed: number; readonly highWater: number };
  readonly deadLetters: number;
}

describe("GET /api/v1/system/actors", () => {
  const actors = async (): Promise<Map<string, ActorRow>> => {
    const { actors: all } = (await (await fetch(`${process_.url}/api/v1/system/actors`)).json()) as {
      actors: ActorRow[];
    };
    return new Map(all.map((actor) => [actor.path, actor]));
  };

  test("shows one that throws, one that hangs in a run and one that floods its mailbox; nothing else changes", async () => {
    const before = [...(await actors()).keys()];
    const fromMs = Date.now();
    const throwing: ActorDefinition<"go"> = {
      kind: "test",
      create: () => ({
        onMessage() {
          throw new RangeError("a secret that must not be shown");
        },
      }),
    };
    const hanging: ActorDefinition<"go"> = {
      kind: "test",
      create: (context) => ({
        onMessage: () => void context.run("forever", { deadlineMs: 3_600_000 }, () => new Promise(() => undefined)),
      }),
    };
    const flooded: ActorDefinition<"go"> = { kind: "test", create: () => ({ onMessage() {} }) };
    const spawn = (name: string, definition: ActorDefinition<"go">) => hub.system.spawn(definition, { name });
    const [thrower, hanger, flood] = [spawn("throws", throwing), spawn("hangs", hanging), spawn("floods", flooded)];
    thrower.tell("go");
    hanger.tell("go");
    for (let i = 0; i < 100_000; i++) flood.tell("go");
    await pause(3 * intervalMs);

    const after = await actors();
    expect(after.get("/throws")).toMatchObject({
      lastError: { code: "UNEXPECTED", message: expect.stringMatching(/^RangeError at test\//) },
    });
    expect(after.get("/throws")?.restarts).toBeGreaterThan(0);
    expect(after.get("/throws")?.deadLetters).toBe(1);
    expect(after.get("/hangs")?.runs).toMatchObject([{ name: "forever" }]);
    expect(after.get("/floods")?.mailbox).toMatchObject({ highWater: 256, overflowed: 100_000 - 256 });
    for (const path of before)
      expect(after.get(path), path).toMatchObject({ state: "running", restarts: 0, lastError: null });
    expectNoMissedPoll(
      simulator.clusters.map(({ name }) => name),
      fromMs,
    );
  });
});
