// A fleet that several processes serve: the same fleet, through the same doors.
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClusterCredentials } from "../../src/kube/credentials.ts";
import { credentialsFromKubeconfig } from "../../src/kube/secret-kubeconfig.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { AdminClient } from "../../src/simulator/admin-client.ts";
import { type Fleet, startFleet } from "../../src/simulator/fleet/start.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";
import type { ClusterPulseError } from "../../src/support/errors.ts";
import { eventually, isAlive } from "../support/processes.ts";

const options = { clusters: 7, registries: 1, seed: 5, preset: "tiny" } as const;
const signal = AbortSignal.timeout(300_000);
const scenario = `
steps:
  - { at: 0s, faults: "unauthorized=40%,hang=1" }
  - { at: 0s, remove: 2 }
  - { at: 10m, heal: all }
`;

async function get(fleet: Fleet | Simulator, name: string, path: string): Promise<unknown> {
  const server = name === "hub" ? fleet.hub.url : (fleet.clusters.find((cluster) => cluster.name === name)?.url ?? "");
  const transport: KubeTransport = createTransport(
    credentialsFromKubeconfig(fleet.kubeconfig(name), server, name),
    {},
    "test",
  );
  try {
    return (await transport.requestJson("GET", path, { signal, maxBytes: 1 << 24 })).body;
  } finally {
    await transport.close();
  }
}
const connectionsOf = async (fleet: Fleet | Simulator): Promise<string[]> => {
  const path = "/apis/clusterpulse.io/v1alpha1/namespaces/fleet/clusterconnections";
  const { items } = (await get(fleet, "hub", path)) as { items: { metadata: { name: string } }[] };
  return items.map(({ metadata }) => metadata.name).sort();
};

/** Why nobody opens; `open` when somebody does. */
const knock = (host: string, port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.once("connect", () => {
      socket.destroy();
      resolve("open");
    });
  });

let one: Simulator;
beforeAll(async () => {
  one = await startSimulator(options);
  one.register({ namespace: "fleet" });
}, 60_000);
afterAll(() => one.close());

describe("a fleet that three processes serve", () => {
  const processes = 3;
  let fleet: Fleet;
  let admin: AdminClient;
  let names: string[];
  beforeAll(async () => {
    fleet = await startFleet(options, processes);
    fleet.register({ namespace: "fleet" });
    admin = new AdminClient(fleet.admin);
    names = fleet.clusters.map(({ name }) => name);
  });
  afterAll(() => fleet.close());

  test("has the names, the truth and the bytes of one process with the same seed", async () => {
    expect(new Set(fleet.pids).size).toBe(processes);
    expect(names).toEqual(one.clusters.map(({ name }) => name));
    expect(await admin.clusters()).toEqual(fleet.clusters);
    expect(new Set(fleet.clusters.map(({ url }) => url)).size).toBe(names.length);
    for (const name of names) {
      expect(await admin.expected(name)).toEqual(one.expected(name));
      for (const path of ["/version", "/api/v1/nodes", "/api/v1/pods"])
        expect(await get(fleet, name, path)).toEqual(await get(one, name, path));
    }
  });

  test("is registered with the hub's API as a whole, with addresses and credentials that open each cluster", async () => {
    expect(await connectionsOf(fleet)).toEqual([...names].sort());
    const path = "/api/v1/namespaces/fleet/secrets";
    const { items } = (await get(fleet, "hub", path)) as {
      items: { metadata: { name: string }; data: Record<string, string> }[];
    };
    const plain = (text = ""): string => Buffer.from(text, "base64").toString();
    for (const { name, url } of fleet.clusters) {
      const { data = {} } = items.find(({ metadata }) => metadata.name === `${name}-credentials`) ?? {};
      const credentials = { server: url, token: plain(data["token"]), caPem: plain(data["ca.crt"]) };
      const transport = createTransport(new ClusterCredentials(credentials), {}, "test");
      expect((await transport.requestJson("GET", "/version", { signal, maxBytes: 1 << 20 })).status).toBe(200);
      await transport.close();
    }
  });

  test("tells what the others say while one process hangs, and names it", async () => {
    const hung = fleet.pids[1] as number;
    const missing: string[] = [];
    const asking = new AdminClient(fleet.admin, { onSilent: (processes) => missing.push(processes) });
    const own = names.filter((_, index) => index % processes === 1);
    process.kill(hung, "SIGSTOP");
    try {
      const told = (await asking.connections()).map(({ cluster }) => cluster);
      expect(told.toSorted()).toEqual(names.filter((name) => !own.includes(name)).toSorted());
      expect(missing).toEqual([`process 2 of 3 for clusters (process id ${hung})`]);
      await expect(asking.expected(own[0] as string)).rejects.toMatchObject({ status: 504 });
      expect((await asking.expected(names[0] as string)).reachable).toBe(true);
    } finally {
      process.kill(hung, "SIGCONT");
    }
    await eventually(
      async () => (await asking.connections()).length === names.length,
      60_000,
      "the process answers again",
    );
  });

  test("goes forward in time and back to a snapshot as a whole", async () => {
    const truths = (): Promise<unknown> => Promise.all(names.map((name) => admin.expected(name)));
    await admin.takeSnapshot("before");
    const before = await truths();
    for (const cluster of names.slice(0, processes)) await admin.addFault({ cluster, fault: "hang" });
    await admin.setChurn({ eventsPerSecond: 10, kinds: { namespaces: 1 } });
    expect(await admin.advanceClock(120_000)).toBeGreaterThanOrEqual(Date.now() + 119_000);
    expect((await admin.churn()).steps).toBeGreaterThan(processes);
    expect(await truths()).not.toEqual(before);
    await admin.restoreSnapshot("before");
    expect([await truths(), await admin.listFaults(), (await admin.churn()).settings]).toEqual([before, [], null]);
  });

  test("has faults switched on, listed and off, whoever serves what is broken", async () => {
    const broken = [...names.slice(0, processes), "hub", "registry-01"];
    for (const cluster of broken) await admin.addFault({ cluster, fault: "unauthorized" });
    expect((await admin.listFaults()).map(({ cluster }) => cluster).sort()).toEqual([...broken].sort());
    for (const name of names) {
      const wanted = broken.includes(name) ? expect.stringContaining("UNAUTHORIZED") : "answered";
      const answered = get(fleet, name, "/api/v1/nodes").then(
        () => "answered",
        (error: { code: string }) => error.code,
      );
      expect(await answered).toEqual(wanted);
    }
    for (const cluster of broken) await admin.removeFault(cluster);
    expect(await admin.listFaults()).toEqual([]);
    await expect(admin.removeFault(names[0] as string)).rejects.toThrow(/has no fault/);
  });

  test("refuses what one process refuses, in the same words", async () => {
    const single = new AdminClient(one.admin);
    const refusals = async (client: AdminClient): Promise<unknown[]> => {
      const asked = [
        client.addFault({ cluster: "nobody", fault: "hang" }),
        client.addFault({ cluster: names[1] as string, fault: "earthquake" }),
        client.removeFault("nobody"),
        client.expected("nobody"),
        client.expected("hub"),
        client.requestsOf("nobody"),
        client.startScenario("steps: 3"),
      ];
      return (await Promise.allSettled(asked)).map((result) => {
        const { status, message } = result.status === "rejected" ? result.reason : { status: 200, message: "" };
        return { status, message };
      });
    };
    expect(await refusals(admin)).toEqual(await refusals(single));
  });

  test("tells of requests, polls and connections of every cluster, and what all processes cost", async () => {
    await Promise.all([...names, "hub"].map((name) => get(fleet, name, "/version")));
    const counts = new Map((await admin.requestCounts()).map(({ cluster, count }) => [cluster, count]));
    for (const name of [...names, "hub"]) {
      const { count, recent } = await admin.requestsOf(name);
      expect(count).toBe(counts.get(name));
      expect(recent.at(-1)).toMatchObject({ cluster: name, path: "/version", status: 200 });
    }
    expect((await admin.polls()).map(({ cluster }) => cluster).sort()).toEqual([...names, "hub"].sort());
    expect((await admin.connections()).map(({ cluster }) => cluster).sort()).toEqual([...names].sort());
    const all = await admin.requestsSince(0, 10_000);
    expect(all).toHaveLength([...counts.values()].reduce((sum, count) => sum + count, 0));
    expect(all.map(({ atMs }) => atMs)).toEqual(all.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
    expect(await admin.requestsSince(0, 2)).toEqual(all.slice(0, 2));
    const cost = await admin.process();
    expect(cost.processes).toBe(processes + 1);
    expect(cost.residentBytes).toBeGreaterThan(process.memoryUsage.rss() / 4);
  });

  test("plays a scenario on the clusters that one process chooses", async () => {
    const single = new AdminClient(one.admin);
    const outcomes = [];
    for (const [client, which] of [
      [single, one],
      [admin, fleet],
    ] as const) {
      which.register({ namespace: "fleet" });
      const outline = await client.startScenario(scenario);
      await eventually(async () => ((await client.scenario())?.done ?? 0) >= 6, 60_000, "the steps were not done");
      const faults = (await client.listFaults()).map(({ cluster, fault }) => `${cluster} ${fault}`).sort();
      outcomes.push({ outline, faults, connections: await connectionsOf(which) });
      await client.stopScenario();
      for (const { cluster } of await client.listFaults()) await client.removeFault(cluster);
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[0]?.faults).toHaveLength(4);
    expect(outcomes[0]?.connections).toHaveLength(5);
  });

  test("takes clusters out of the hub's API and brings them back", async () => {
    fleet.register({ namespace: "fleet" });
    const [gone = "", ...others] = names;
    expect(await admin.changeClusters({ remove: [gone] })).toEqual({ add: [], remove: [gone] });
    expect(await connectionsOf(fleet)).toEqual([...others].sort());
    expect(await admin.changeClusters({ add: [gone] })).toEqual({ add: [gone], remove: [] });
    expect(await connectionsOf(fleet)).toEqual([...names].sort());
  });

  test("counts over all processes for Prometheus, and says of each what it costs", async () => {
    const received = (await admin.requestCounts()).reduce((sum, { count }) => sum + count, 0);
    const lines = (await admin.metrics()).split("\n");
    expect(lines).toContain(`clusterpulse_simulator_requests_received_total ${received}`);
    for (const name of ["hub", "1", "2", "3"]) {
      const [cpu, ...more] = lines.filter((line) => line.includes(`cpu_seconds_total{process="${name}"}`));
      expect(Number(cpu?.split(" ").at(-1))).toBeGreaterThan(0);
      expect(more).toEqual([]);
    }
  });

  test("shows what the processes know of each other to nobody on the command line or in the environment", async () => {
    if (process.platform !== "linux") return;
    const tokens = names.map((name) => credentialsFromKubeconfig(fleet.kubeconfig(name), "https://127.0.0.1:1", name));
    for (const pid of fleet.pids) {
      const seen = `${await readFile(`/proc/${pid}/cmdline`, "utf8")}${await readFile(`/proc/${pid}/environ`, "utf8")}`;
      expect(seen).toContain("fleet/part.ts");
      for (const { token } of tokens) expect(seen).not.toContain(token);
      expect(seen).not.toMatch(/PRIVATE KEY|tokenSecret/);
    }
  });
});

describe("the end of a fleet of several processes", () => {
  test("leaves no process behind, and nobody answers at its addresses", async () => {
    const fleet = await startFleet(options, 2);
    const { pids, admin } = fleet;
    await fleet.close();
    for (const pid of pids) expect(isAlive(pid)).toBe(false);
    await expect(new AdminClient(admin).clusters()).rejects.toMatchObject({ code: "SIMULATOR_UNREACHABLE" });
    const port = Number(new URL(fleet.clusters[0]?.url ?? "").port);
    expect(await knock("127.0.0.1", port)).toBe("ECONNREFUSED");
  });

  test("is told when one of them dies, with which it was and how it ended", async () => {
    const fleet = await startFleet(options, 2);
    const [, second = 0] = fleet.pids;
    process.kill(second, "SIGKILL");
    const error = await fleet.failed;
    expect(error).toMatchObject({ code: "PART_ENDED" });
    expect(error.message).toBe(
      `process 2 of 2 for clusters (process id ${second}) ended unexpectedly: SIGKILL; the fleet is stopped`,
    );
    await fleet.close();
    for (const pid of fleet.pids) expect(isAlive(pid)).toBe(false);
  });

  test("comes at its start when one of them cannot serve, with nothing left behind", async () => {
    // The hub wants the same port at an address where somebody else may have it: then another port will do.
    for (let attempt = 1; ; attempt++) {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, "127.1.0.2", resolve));
      const { port } = taken.address() as AddressInfo;
      try {
        const error = await startFleet({ ...options, origin: "ip", hubPort: port }, 2).catch((reason: Error) => reason);
        const { code, message } = error as ClusterPulseError;
        if (message.startsWith("hub:") && attempt < 10) continue;
        expect({ code, message }).toEqual({
          code: "LISTEN_FAILED",
          message: expect.stringContaining(`cannot listen on 127.1.0.2:${port}`),
        });
        for (const host of ["127.0.0.1", "127.1.0.1", "127.1.0.3"])
          expect(await knock(host, port)).toBe("ECONNREFUSED");
        return;
      } finally {
        taken.close();
      }
    }
  });

  test.each([
    [{ ...options, origin: "path" } as const, 2, /clusters below a path share the hub's listener/],
    [options, 8, /there are only 7 clusters to serve/],
  ])("comes before its start where processes cannot share the work", async (wrong, processes, message) => {
    await expect(startFleet(wrong, processes)).rejects.toThrow(message);
  });
});
