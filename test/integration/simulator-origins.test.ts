// Where the clusters of a simulated fleet are reached: below paths of one listener, and at addresses of their own.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ClusterCredentials } from "../../src/kube/credentials.ts";
import { isKubeError } from "../../src/kube/errors.ts";
import { credentialsFromKubeconfig } from "../../src/kube/secret-kubeconfig.ts";
import { createTransport, type KubeTransport } from "../../src/kube/transport.ts";
import { AdminClient } from "../../src/simulator/admin-client.ts";
import { type Fleet, startFleet } from "../../src/simulator/fleet/start.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";

const signal = AbortSignal.timeout(300_000);
const open: KubeTransport[] = [];
afterAll(() => Promise.all(open.map((transport) => transport.close())));

/** A client of the fleet's server that the context names. */
function clientOf(fleet: Simulator | Fleet, name: string): KubeTransport {
  const server = name === "hub" ? fleet.hub.url : (fleet.clusters.find((cluster) => cluster.name === name)?.url ?? "");
  const transport = createTransport(credentialsFromKubeconfig(fleet.kubeconfig(name), server, name), {}, "test");
  open.push(transport);
  return transport;
}
const get = async (transport: KubeTransport, path: string): Promise<Record<string, unknown>> =>
  (await transport.requestJson("GET", path, { signal, maxBytes: 1 << 24 })).body as Record<string, unknown>;
const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "answered",
    (error: unknown) => (isKubeError(error) ? error.code : String(error)),
  );

describe.each(["path", "ip", "port"] as const)("origin %s", (origin) => {
  let fleet: Simulator;
  let names: string[];
  beforeAll(async () => {
    fleet = await startSimulator({ clusters: 3, seed: 6, preset: "tiny", origin });
    names = fleet.clusters.map(({ name }) => name);
  });
  afterAll(() => fleet.close());

  test("serves every cluster and the hub, each with its own objects", async () => {
    for (const name of names) {
      const { items } = await get(clientOf(fleet, name), "/api/v1/nodes");
      expect(items).toHaveLength(fleet.expected(name).nodes);
    }
    expect((await get(clientOf(fleet, "hub"), "/api/v1/nodes"))["items"]).toEqual([]);
    const [first = ""] = names;
    expect(fleet.requests.recent(first).map(({ path, status }) => [path, status])).toEqual([["/api/v1/nodes", 200]]);
  });

  test("gives the addresses of OpenAPI documents as clients take them", async () => {
    const [name = ""] = names;
    const { paths } = await get(clientOf(fleet, name), "/openapi/v3");
    const { serverRelativeURL } = (paths as Record<string, { serverRelativeURL: string }>)["api/v1"] ?? {
      serverRelativeURL: "",
    };
    const whole = new URL(serverRelativeURL, fleet.clusters[0]?.url).href;
    expect(whole.startsWith(`${fleet.clusters[0]?.url}/openapi/v3/api/v1?hash=`)).toBe(true);
  });

  test("keeps a fault to the cluster that has it", async () => {
    const [one = "", other = ""] = names;
    await fleet.faults.add({ cluster: one, fault: "unauthorized" });
    expect(await codeOf(get(clientOf(fleet, one), "/api/v1/nodes"))).toBe("UNAUTHORIZED");
    expect(await codeOf(get(clientOf(fleet, other), "/api/v1/nodes"))).toBe("answered");
    await fleet.faults.remove(one);
    expect(await codeOf(get(clientOf(fleet, one), "/api/v1/nodes"))).toBe("answered");
  });

  test("refuses connections where there is a listener to refuse them, and says so where there is none", async () => {
    const [one = "", other = ""] = names;
    const refuse = async (): Promise<void> => fleet.faults.add({ cluster: one, fault: "refuse" });
    if (origin === "path") {
      await expect(refuse()).rejects.toThrow(/refuse needs a listener/);
      return;
    }
    await refuse();
    expect(await codeOf(get(clientOf(fleet, one), "/api/v1/nodes"))).toBe("CONNECTION_REFUSED");
    expect(await codeOf(get(clientOf(fleet, other), "/api/v1/nodes"))).toBe("answered");
    await fleet.faults.remove(one);
    expect(await codeOf(get(clientOf(fleet, one), "/api/v1/nodes"))).toBe("answered");
  });
});

describe.each([
  ["port", 1],
  ["ip", 1],
  ["port", 2],
  ["ip", 2],
] as const)("faults of connections with origin %s in %s processes", (origin, processes) => {
  const options = { clusters: 3, seed: 6, preset: "tiny", origin } as const;
  let fleet: Simulator | Fleet;
  let admin: AdminClient;
  beforeAll(async () => {
    fleet = await (processes === 1 ? startSimulator(options) : startFleet(options, processes));
    admin = new AdminClient(fleet.admin);
  });
  afterAll(() => fleet.close());

  // The first and the last of three clusters are neighbours in one process also where there are two.
  test.each(["refuse", "blackhole", "tls", "flap", "reset"])("%s stays with its cluster", async (fault) => {
    const [broken = "", ...others] = fleet.clusters.map(({ name }) => name);
    const clients = others.map((name) => clientOf(fleet, name));
    const askAll = () => Promise.all(clients.map((client) => get(client, "/api/v1/nodes")));
    const socketsOfOthers = async () => (await admin.connections()).filter(({ cluster }) => cluster !== broken);
    await askAll();
    const before = await socketsOfOthers();
    const client = clientOf(fleet, broken);
    await get(client, "/api/v1/nodes");
    const parameters = fault === "flap" ? { downMs: 600_000 } : undefined;
    await admin.addFault({ cluster: broken, fault, ...(parameters && { parameters }) });
    try {
      const impatient = AbortSignal.timeout(fault === "blackhole" ? 500 : 60_000);
      const asked = clientOf(fleet, broken).requestJson("GET", "/api/v1/nodes", {
        signal: impatient,
        maxBytes: 1 << 24,
      });
      await expect(asked).rejects.toThrow();
      await askAll();
      // Nobody's connection was cut, and nobody needed another.
      await expect.poll(socketsOfOthers).toEqual(before);
    } finally {
      await admin.removeFault(broken);
    }
    expect(await codeOf(get(clientOf(fleet, broken), "/api/v1/nodes"))).toBe("answered");
  });
});

test("below paths, faults of requests stay with their cluster and a reset ends the connection it came on alone", async () => {
  const fleet = await startSimulator({ clusters: 2, seed: 6, preset: "tiny", origin: "path" });
  try {
    const [broken = "", other = ""] = fleet.clusters.map(({ name }) => name);
    const [neighbour, client] = [clientOf(fleet, other), clientOf(fleet, broken)];
    await get(neighbour, "/api/v1/nodes");
    for (const fault of ["blackhole", "reset", "hang"] as const) {
      await fleet.faults.add({ cluster: broken, fault });
      const impatient = AbortSignal.timeout(fault === "reset" ? 60_000 : 500);
      await expect(
        client.requestJson("GET", "/api/v1/nodes", { signal: impatient, maxBytes: 1 << 24 }),
      ).rejects.toThrow();
      expect(await codeOf(get(neighbour, "/api/v1/nodes"))).toBe("answered");
      await fleet.faults.remove(broken);
    }
    await expect(async () => fleet.faults.add({ cluster: broken, fault: "flap" })).rejects.toThrow(/needs a listener/);
  } finally {
    await fleet.close();
  }
});

test("a cluster's token opens neither the hub nor another cluster of the same listener", async () => {
  const fleet = await startSimulator({ clusters: 2, seed: 6, preset: "tiny", origin: "path" });
  try {
    const [one, other] = fleet.clusters;
    const token = clientToken(fleet, one?.name ?? "");
    for (const url of [fleet.hub.url, other?.url ?? ""]) {
      const caPem = credentialsFromKubeconfig(fleet.kubeconfig(), fleet.hub.url, "hub").caPem;
      const transport = createTransport(new ClusterCredentials({ server: url, token, caPem }), {}, "test");
      open.push(transport);
      expect(await codeOf(get(transport, "/api/v1/namespaces"))).toBe("UNAUTHORIZED");
    }
  } finally {
    await fleet.close();
  }
});

const clientToken = (fleet: Simulator, name: string): string =>
  credentialsFromKubeconfig(fleet.kubeconfig(name), "https://127.0.0.1:1", name).token ?? "";
