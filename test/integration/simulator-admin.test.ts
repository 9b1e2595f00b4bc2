// The simulator's own door: what it tells, what it switches, and whom it turns away.
import { mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { type ClientRequest, createServer, request as httpRequest } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CustomObjectsApi, KubeConfig } from "@kubernetes/client-node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { AdminClient } from "../../src/simulator/admin-client.ts";
import { type Simulator, startSimulator, VirtualClock } from "../../src/simulator/index.ts";
import { findSimulators, writeRunFile } from "../../src/simulator/process.ts";
import { root } from "../support/processes.ts";

/** The status of an answer, whoever signed the certificate. */
const askUntrusting = (url: string, token?: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    request(url, { rejectUnauthorized: false, agent: false, headers }, (response) => {
      response.resume().once("end", () => resolve(response.statusCode));
    })
      .on("error", reject)
      .end();
  });
const startWatch = (url: string, token = ""): ClientRequest =>
  request(url, { rejectUnauthorized: false, agent: false, headers: { authorization: `Bearer ${token}` } })
    .on("response", (response) => response.resume().on("error", () => {}))
    .on("error", () => {})
    .end();

let simulator: Simulator;
let name: string;

beforeAll(async () => {
  simulator = await startSimulator({ clusters: 2, seed: 3, preset: "tiny" });
  name = simulator.clusters[0]?.name as string;
});
afterAll(() => simulator.close());

describe("the admin API", () => {
  const call = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${simulator.admin.url}/sim/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${simulator.admin.token}`, ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    return { status: response.status, body: (await response.json()) as { error?: string } };
  };

  it("tells of clusters and their truth", async () => {
    const client = new AdminClient(simulator.admin);
    expect(await client.clusters()).toEqual(simulator.clusters);
    expect(await client.expected(name)).toEqual(simulator.expected(name));
    await expect(client.expected("nobody")).rejects.toMatchObject({
      code: "SIMULATOR_REFUSED",
      message: 'no simulated cluster is called "nobody"',
    });
  });

  it("switches faults", async () => {
    const client = new AdminClient(simulator.admin);
    const rule = { cluster: name, fault: "latency", parameters: { latencyMs: 20 } };
    await client.addFault(rule);
    expect(await client.listFaults()).toMatchObject([rule]);
    expect(simulator.faults.list()).toMatchObject([rule]);
    await client.removeFault(name);
    expect(await client.listFaults()).toEqual([]);
    await expect(client.removeFault(name)).rejects.toThrow("has no fault");
  });

  it("has a clock that goes forward when it is told: churn, faults and stamps follow", async () => {
    const client = new AdminClient(simulator.admin);
    await client.setChurn({ eventsPerSecond: 5, kinds: { steady: 1 } });
    await client.addFault({ cluster: name, fault: "flap", parameters: { downMs: 600_000, upMs: 60_000 } });
    expect(await client.expected(name)).toMatchObject({ reachable: false });
    const [back] = (await client.expected(name)).transitions ?? [];
    const nowMs = await client.advanceClock(610_000);
    expect([nowMs >= Date.now() + 600_000, nowMs >= (back?.atMs ?? Number.POSITIVE_INFINITY)]).toEqual([true, true]);
    expect(await client.expected(name)).toMatchObject({ reachable: true });
    expect((await client.stopChurn()).steps).toBeGreaterThan(1_000);
    await client.removeFault(name);
    expect(await call("POST", "clock/advance", { ms: 0 })).toMatchObject({ status: 400 });
    expect(await call("POST", "clock/advance", {})).toMatchObject({ status: 400 });
    expect((await call("GET", "clock")).body).toEqual({ nowMs: expect.any(Number) });
  });

  it("keeps a state under a name and puts it back, and ends the scenario that was under way", async () => {
    const client = new AdminClient(simulator.admin);
    await client.addFault({ cluster: name, fault: "latency", parameters: { latencyMs: 20 } });
    const [expected, faults] = [await client.expected(name), await client.listFaults()];
    const { objects } = await client.takeSnapshot("before");
    expect(await client.snapshots()).toEqual([{ name: "before", objects }]);
    await client.replayChurn(`{"t":0,"cluster":"${name}","kind":"nodes","idx":0,"op":"silent"}`);
    await expect.poll(() => simulator.expected(name).nodesReady).not.toBe(expected.nodesReady);
    await client.startScenario(
      `steps: [{ at: 0s, faults: [{ cluster: ${name}, fault: status }] }, { at: 1h, heal: all }]`,
    );
    await expect.poll(async () => (await client.scenario())?.done).toBe(1);
    expect(await call("POST", "restore", { name: "nothing" })).toMatchObject({ status: 404 });
    expect(await client.scenario()).toMatchObject({ running: true });
    await client.restoreSnapshot("before");
    expect([await client.expected(name), await client.listFaults()]).toEqual([expected, faults]);
    expect(await client.scenario()).toMatchObject({ running: false });
    expect(await call("POST", "snapshot", { name: "a b" })).toMatchObject({ status: 400 });
    expect(await call("POST", "snapshot", {})).toMatchObject({ status: 400 });
    for (let i = 1; i < 8; i++) await client.takeSnapshot(`more-${i}`);
    expect(await call("POST", "snapshot", { name: "one-more" })).toMatchObject({ status: 413 });
    await client.removeFault(name);
  });

  it("keeps the rules of a cluster in their order, and ends them one by one", async () => {
    const rules = [
      { cluster: name, fault: "status", id: "lists", parameters: { verb: "list" } },
      { cluster: name, fault: "hang" },
      { cluster: name, fault: "refuse" },
    ];
    for (const rule of rules) expect(await call("POST", "faults", rule)).toEqual({ status: 201, body: rule });
    const { status, body } = await call("POST", "faults", { cluster: name, fault: "tls", id: "x" });
    expect([status, JSON.stringify(body)]).toEqual([400, expect.stringContaining("fault: tls meets connections")]);
    expect(await call("POST", "faults", { cluster: name, fault: "hang", id: "a b" })).toMatchObject({ status: 400 });
    expect(await call("DELETE", `faults/${name}?id=hang`)).toEqual({
      status: 200,
      body: { cluster: name, id: "hang", removed: true },
    });
    expect(await call("DELETE", `faults/${name}?id=hang`)).toMatchObject({ status: 404 });
    const client = new AdminClient(simulator.admin);
    expect((await client.listFaults()).map(({ id, fault }) => `${id} ${fault}`)).toEqual([
      "lists status",
      "refuse refuse",
    ]);
    expect((await client.expected(name)).reachable).toBe(false);
    await client.removeFault(name, "refuse");
    await client.removeFault(name);
    expect(await client.listFaults()).toEqual([]);
  });

  it("tells who was asked what", async () => {
    await fetch(`${simulator.clusters[1]?.url}/version`).catch(() => {});
    expect(await call("GET", "requests")).toMatchObject({ status: 200 });
    expect(await call("GET", `requests?cluster=${name}`)).toMatchObject({
      status: 200,
      body: { cluster: name, count: simulator.requests.count(name) },
    });
    expect((await call("GET", "requests?cluster=nobody")).status).toBe(404);
  });

  it.each<[string, unknown, number, string]>([
    ["no JSON", "{", 400, "the body must be JSON"],
    ["no object", [], 400, "the fault rule must be an object"],
    ["no cluster", { fault: "hang" }, 400, "cluster: must be the name of a simulated cluster"],
    ["an unknown cluster", { cluster: "nobody", fault: "hang" }, 404, "no simulated cluster"],
    [
      "an unknown fault",
      { cluster: "x", fault: "fire" },
      400,
      "must be one of blackhole, refuse, hang, latency, slowbody, status, reset,",
    ],
    [
      "a choice that there is not",
      { cluster: "x", fault: "tls", parameters: { variant: "html" } },
      400,
      "parameters.variant: must be one of expired, notYetValid, wrongHost, unknownCa,",
    ],
    [
      "a parameter of two others",
      { cluster: "x", fault: "flap", parameters: { afterBytes: 3 } },
      400,
      "parameters.afterBytes: belongs to the fault reset and truncate alone",
    ],
    ["an unknown field", { cluster: "x", fault: "hang", for: 3 }, 400, "for: unknown field"],
    ["an unknown parameter", { cluster: "x", fault: "latency", parameters: { ms: 3 } }, 400, "parameters.ms: unknown"],
    ["latency of another fault", { cluster: "x", fault: "hang", parameters: { latencyMs: 3 } }, 400, "latency alone"],
    [
      "latency out of bounds",
      { cluster: "x", fault: "latency", parameters: { latencyMs: 0 } },
      400,
      "from 1 to 600000",
    ],
    ["too much", "x".repeat(2 ** 20 + 1), 413, "at most 1048576 bytes"],
  ])("refuses a fault rule with %s", async (_what, body, status, error) => {
    const answer = await call("POST", "faults", body);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toContain(error);
    expect(simulator.faults.list()).toEqual([]);
  });

  const routes: readonly [method: string, path: string, body?: unknown][] = [
    ["GET", "clusters"],
    ["POST", "clusters", { remove: [] }],
    ["GET", "clusters/NAME/expected"],
    ["GET", "registries"],
    ["GET", "faults"],
    ["POST", "faults", { cluster: "NAME", fault: "hang" }],
    ["DELETE", "faults/NAME"],
    ["GET", "churn"],
    ["PUT", "churn", { eventsPerSecond: 0 }],
    ["POST", "churn", { trace: '{"t":0,"cluster":"NAME","kind":"nodes","idx":0,"op":"silent"}' }],
    ["DELETE", "churn"],
    ["GET", "clock"],
    ["POST", "clock/advance", { ms: 1 }],
    ["GET", "snapshot"],
    ["POST", "snapshot", { name: "before" }],
    ["POST", "restore", { name: "before" }],
    ["GET", "scenario"],
    ["POST", "scenario", { yaml: "steps: [{ at: 1h, faults: hang=1 }]" }],
    ["DELETE", "scenario"],
    ["GET", "requests"],
    ["GET", "requests?cluster=NAME"],
    ["GET", "requests?since=0&limit=5"],
    ["GET", "polls"],
    ["GET", "connections"],
    ["GET", "process"],
    ["GET", "metrics"],
  ];

  it("answers every route that it has, and none of them without the token", async () => {
    const fleet = await startSimulator({ clusters: 1, seed: 3, preset: "tiny" });
    fleet.register({ namespace: "fleet" });
    const cluster = fleet.clusters[0]?.name as string;
    const ask = (token: string, [method, path, body]: (typeof routes)[number]) =>
      fetch(`${fleet.admin.url}/sim/v1/${path.replace("NAME", cluster)}`, {
        method,
        headers: { authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body).replace("NAME", cluster) }),
      });
    try {
      for (const route of routes) {
        const refused = await ask("wrong", route);
        expect([...route, refused.status]).toEqual([...route, 401]);
        expect(await refused.json()).toEqual({ error: expect.stringContaining("bearer token") });
        const answered = await ask(fleet.admin.token, route);
        expect([...route, answered.ok]).toEqual([...route, true]);
        await answered.text();
      }
    } finally {
      await fleet.close();
    }
  });

  it("names every route that it has where there is none, and the documentation tells of each", async () => {
    const { error = "" } = (await call("GET", "nothing")).body;
    const named = error.replace(/^.* there are /, "").split(", ");
    const shapes = routes.map(([method, path]) => `${method} ${path.replace(/\?.*/, "").replace("NAME", "{name}")}`);
    expect(named.toSorted()).toEqual([...new Set(shapes)].sort());
    const page = readFileSync(join(root, "docs/simulator.md"), "utf8");
    const documented = [...page.matchAll(/^\| (GET|POST|DELETE|PUT) \| `([^`]+)` \|/gm)].map(
      (found) => `${found[1]} ${found[2]}`,
    );
    expect(documented.toSorted()).toEqual(named.toSorted());
  });

  it("refuses churn that is none", async () => {
    const answer = await call("PUT", "churn", { eventsPerSecond: -1, more: 3 });
    expect(answer.status).toBe(400);
    expect(answer.body.error).toMatch(/churn\.more: unknown.*churn\.eventsPerSecond: must be a number from 0/);
    expect((await call("PUT", "churn", "{")).status).toBe(400);
  });

  it.each<[string, string, unknown, string]>([
    ["a scenario that is no object", "scenario", 3, "yaml: must be the text of a scenario"],
    ["a scenario without text", "scenario", { yaml: 3 }, "yaml: must be the text of a scenario"],
    ["a scenario that is none", "scenario", { yaml: "steps: 3" }, "the scenario must have one member, steps"],
    ["clusters that are no object", "clusters", 3, "add, remove: one of them must be there"],
    ["neither clusters to add nor to remove", "clusters", {}, "add, remove: one of them must be there"],
    ["clusters that are no list", "clusters", { add: "x" }, "add: must be a list of names of clusters"],
    ["clusters that are no names", "clusters", { remove: [3] }, "remove: must be a list of names of clusters"],
    ["clusters both ways", "clusters", { add: ["x"], remove: ["x"] }, "add, remove: x is in both"],
    ["clusters and something else", "clusters", { add: [], heal: [] }, "heal: unknown field; known are add, remove"],
    ["clusters that are no JSON", "clusters", "{", "the body must be JSON"],
  ])("refuses %s", async (_what, path, body, error) => {
    const answer = await call("POST", path, body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toContain(error);
  });

  it("takes clusters out of the hub's API and brings them back, and says which", async () => {
    const fleet = await startSimulator({ clusters: 3, seed: 3, preset: "tiny" });
    const client = new AdminClient(fleet.admin);
    const [one = "", other = "", third = ""] = fleet.clusters.map(({ name }) => name);
    const config = new KubeConfig();
    config.loadFromString(fleet.kubeconfig());
    const api = config.makeApiClient(CustomObjectsApi);
    const where = {
      ...{ group: "clusterpulse.io", version: "v1alpha1" },
      namespace: "fleet",
      plural: "clusterconnections",
    };
    const there = async (): Promise<string[]> => {
      const { items } = (await api.listNamespacedCustomObject(where)) as { items: { metadata: { name: string } }[] };
      return items.map(({ metadata }) => metadata.name);
    };
    try {
      await expect(client.changeClusters({ remove: [one] })).rejects.toMatchObject({ status: 409 });
      fleet.register({ namespace: "fleet" });
      await expect(client.changeClusters({ remove: [one, "nobody"] })).rejects.toMatchObject({ status: 404 });
      expect(await there()).toHaveLength(3);
      expect(await client.changeClusters({ remove: [one, other], add: [third] })).toEqual({
        add: [],
        remove: [one, other],
      });
      expect(await there()).toEqual([third]);
      expect(await client.changeClusters({ add: [one], remove: [other] })).toEqual({ add: [one], remove: [] });
      expect(await there()).toEqual([one, third].sort());

      const finalizers = [{ op: "add", path: "/metadata/finalizers", value: ["example.com/wait"] }];
      await api.patchNamespacedCustomObject({ ...where, name: one, body: finalizers });
      expect(await client.changeClusters({ remove: [one] })).toEqual({ add: [], remove: [one] });
      await expect(client.changeClusters({ add: [one] })).rejects.toMatchObject({
        status: 409,
        message: expect.stringContaining("waits for finalizers"),
      });
      await api.patchNamespacedCustomObject({
        ...where,
        name: one,
        body: [{ op: "remove", path: "/metadata/finalizers" }],
      });
      expect(await client.changeClusters({ add: [one] })).toEqual({ add: [one], remove: [] });
      // Its API server was there all the time.
      expect(fleet.expected(one).nodes).toBeGreaterThan(0);
    } finally {
      await fleet.close();
    }
  });

  it("lists recent requests since a time, the oldest first and so many at most", async () => {
    const clock = new VirtualClock();
    const fleet = await startSimulator({ clusters: 2, seed: 3, preset: "tiny", clock });
    const client = new AdminClient(fleet.admin);
    try {
      const asked = [...fleet.clusters, ...fleet.clusters];
      for (const { url } of asked) {
        await askUntrusting(`${url}/version`);
        await clock.advance(10);
      }
      const all = await client.requestsSince(0, 100);
      expect(all.map(({ cluster }) => cluster)).toEqual(asked.map(({ name }) => name));
      expect(await client.requestsSince(all[1]?.atMs ?? 0, 100)).toEqual(all.slice(1));
      expect(await client.requestsSince(0, 3)).toEqual(all.slice(0, 3));
      expect(await client.requestsSince((all[3]?.atMs ?? 0) + 1, 100)).toEqual([]);
    } finally {
      await fleet.close();
    }
    for (const query of ["since=x", "since=-1", "since=0&limit=10001", "since=0&limit=x"])
      expect(await call("GET", `requests?${query}`)).toMatchObject({ status: 400 });
  });

  it("counts what is asked, what is open and what goes over the wire, for Prometheus", async () => {
    const fleet = await startSimulator({ clusters: 1, seed: 3, preset: "tiny" });
    const [{ name: cluster, url } = { name: "", url: "" }] = fleet.clusters;
    const client = new AdminClient(fleet.admin);
    const read = async (series: string): Promise<number> => {
      const line = (await client.metrics())
        .split("\n")
        .find((one) => one.startsWith(`clusterpulse_simulator_${series} `));
      return Number(line?.split(" ").at(-1) ?? "0");
    };
    try {
      const token = (
        parse(fleet.kubeconfig(cluster)) as { users: { name: string; user: { token: string } }[] }
      ).users.find((user) => user.name === cluster)?.user.token;
      expect(await askUntrusting(`${url}/api/v1/nodes`, token)).toBe(200);
      expect(await askUntrusting(`${url}/api/v1/nodes`)).toBe(401);
      expect(await read('requests_total{verb="list",resource="nodes",code="200"}')).toBe(1);
      expect(await read('requests_total{verb="list",resource="nodes",code="401"}')).toBe(1);
      expect(await read("requests_received_total")).toBe(2);
      expect(await read("sent_bytes_total")).toBeGreaterThan(2_000);
      expect(await read("received_bytes_total")).toBeGreaterThan(500);
      await fleet.faults.add({ cluster, fault: "unauthorized" });
      expect(await read('faults{fault="unauthorized"}')).toBe(1);
      expect(await askUntrusting(`${url}/api/v1/nodes`, token)).toBe(401);
      await fleet.faults.remove(cluster);
      expect(await read('faults{fault="unauthorized"}')).toBe(0);
      expect(await read('faults_fired_total{fault="unauthorized"}')).toBe(1);

      const watch = startWatch(`${url}/api/v1/nodes?watch=1&resourceVersion=0`, token);
      await expect.poll(() => read("watches_open")).toBe(1);
      expect(await read("connections_open")).toBeGreaterThan(0);
      watch.destroy();
      await expect.poll(() => read("watches_open")).toBe(0);
      expect(await read('cpu_seconds_total{process="1"}')).toBeGreaterThan(0);
      expect(await read('resident_memory_bytes{process="1"}')).toBeGreaterThan(1e6);
      expect(await client.metrics()).toMatch(
        /^clusterpulse_simulator_event_loop_lag_seconds\{process="1",quantile="0.99"\} [\d.e-]+$/m,
      );
    } finally {
      await fleet.close();
    }
  });

  it("knows no other paths and no other methods", async () => {
    for (const [method, path] of [
      ["GET", "nothing"],
      ["PUT", "faults"],
      ["GET", `clusters/${name}`],
      ["GET", `clusters/${name}/expected/more`],
      ["DELETE", "faults"],
    ] as const) {
      expect((await call(method, path)).status).toBe(404);
    }
  });

  it("turns away who has no token, comes from elsewhere or calls it by another name", async () => {
    expect((await call("GET", "clusters", undefined, { authorization: "Bearer wrong" })).status).toBe(401);
    expect((await call("GET", "clusters", undefined, { authorization: "" })).status).toBe(401);
    expect((await call("GET", "clusters", undefined, { origin: "https://evil.example" })).status).toBe(403);
    expect((await call("GET", "clusters", undefined, { origin: "http://localhost:8080" })).status).toBe(200);
    const { port } = new URL(simulator.admin.url);
    const byHost = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = { host, authorization: `Bearer ${simulator.admin.token}` };
        httpRequest({ host: "127.0.0.1", port, path: "/sim/v1/clusters", headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on("error", reject)
          .end();
      });
    expect(await byHost("rebound.example")).toBe(403);
    expect(await byHost("localhost:1")).toBe(200);
  });
});

describe("the admin client", () => {
  it("gives up at its deadline and says so", async () => {
    const silent = createServer(() => {});
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    try {
      await expect(new AdminClient({ url, token: "t" }, { deadlineMs: 100 }).clusters()).rejects.toMatchObject({
        code: "SIMULATOR_UNREACHABLE",
      });
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
    await expect(new AdminClient({ url, token: "t" }).clusters()).rejects.toMatchObject({
      code: "SIMULATOR_UNREACHABLE",
    });
  });
});

describe("run files", () => {
  const folders: string[] = [];
  const folder = (): string => {
    const path = mkdtempSync(join(tmpdir(), "clusterpulse-run-"));
    folders.push(path);
    return path;
  };
  afterEach(async () => {
    for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true });
  });
  const startedAt = "2026-01-02T03:04:05Z";

  it("let other processes of the same user find a simulator, until it closes", async () => {
    const directory = join(folder(), "run");
    expect(await findSimulators(directory)).toEqual([]);
    const remove = await writeRunFile({ admin: simulator.admin, startedAt }, directory);
    expect(await findSimulators(directory)).toEqual([{ pid: process.pid, admin: simulator.admin, startedAt }]);
    expect(statSync(directory).mode & 0o777).toBe(0o700);
    expect(statSync(join(directory, `simulator-${process.pid}.json`)).mode & 0o777).toBe(0o600);
    await remove();
    expect(await findSimulators(directory)).toEqual([]);
  });

  it("of processes that are gone are removed; what is none of ours is left alone", async () => {
    const directory = folder();
    // Beyond the largest process id that Linux gives.
    writeFileSync(join(directory, "simulator-2147483647.json"), "{}");
    writeFileSync(join(directory, `simulator-${process.ppid}.json`), "not JSON");
    writeFileSync(join(directory, "notes.txt"), "mine");
    expect(await findSimulators(directory)).toEqual([]);
    expect((await readdir(directory)).sort()).toEqual(["notes.txt", `simulator-${process.ppid}.json`].sort());
  });

  it("are not written through links, nor into a folder that is one", async () => {
    const target = folder();
    const link = join(folder(), "link");
    symlinkSync(target, link);
    await expect(writeRunFile({ admin: simulator.admin, startedAt }, link)).rejects.toMatchObject({
      code: "RUN_DIRECTORY_UNSAFE",
    });
    await expect(findSimulators(link)).rejects.toMatchObject({ code: "RUN_DIRECTORY_UNSAFE" });
    const directory = folder();
    const victim = join(folder(), "victim");
    writeFileSync(victim, "precious");
    symlinkSync(victim, join(directory, `simulator-${process.pid}.json`));
    await writeRunFile({ admin: simulator.admin, startedAt }, directory);
    expect(statSync(victim).size).toBe("precious".length);
  });
});
