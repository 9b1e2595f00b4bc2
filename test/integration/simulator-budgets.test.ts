// What a simulated fleet costs, as ratios and as memory, and that the same seed is the same fleet, byte for byte.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Agent, request } from "undici";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { credentialsFromKubeconfig } from "../../src/kube/secret-kubeconfig.ts";
import { AdminClient } from "../../src/simulator/admin-client.ts";
import { administrator } from "../../src/simulator/http/callers.ts";
import { startSimulator, VirtualClock } from "../../src/simulator/index.ts";
import { findSimulators } from "../../src/simulator/process.ts";
import { clusterIdentities } from "../../src/simulator/world/profile.ts";
import { World } from "../../src/simulator/world/world.ts";
import { systemClock } from "../../src/support/clock.ts";
import { startCommand } from "../support/processes.ts";

interface Server {
  readonly url: string;
  readonly token: string;
  readonly ca: string;
}

function serverOf(kubeconfig: string, name: string): Server {
  const { clusters } = parse(kubeconfig) as { clusters: { name: string; cluster: { server: string } }[] };
  const url = clusters.find((cluster) => cluster.name === name)?.cluster.server ?? "";
  const named = kubeconfig.replace(/^current-context: .*$/m, `current-context: ${name}`);
  const { token = "", caPem = "" } = credentialsFromKubeconfig(named, url, name);
  return { url, token, ca: caPem };
}

describe("the same seed", () => {
  const accepts = [
    "application/json",
    "application/json;as=Table;g=meta.k8s.io;v=v1",
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
    "application/vnd.kubernetes.protobuf",
  ];
  const lists = [
    "/api/v1/nodes",
    "/api/v1/pods",
    "/api/v1/pods?limit=7",
    "/api/v1/namespaces",
    "/apis/apps/v1/deployments",
  ];
  const others = ["/version", "/api", "/apis", "/apis/apps/v1", "/api/v1/namespaces/default"];

  /** The digest of everything that a fleet answers to 25 requests for each cluster. */
  async function digestOf(
    seed: number,
    clusters: number,
  ): Promise<{ readonly digest: string; readonly answers: number }> {
    const fleet = await startSimulator({ clusters, seed, preset: "tiny", origin: "path" });
    const kubeconfig = fleet.kubeconfig();
    const hash = createHash("sha256");
    let answers = 0;
    const agents: Agent[] = [];
    try {
      for (const { name } of fleet.clusters) {
        const { url, token, ca } = serverOf(kubeconfig, name);
        const agent = new Agent({ connect: { ca }, connections: 4 });
        agents.push(agent);
        const asked = [
          ...lists.flatMap((path) => accepts.map((accept) => [path, accept])),
          ...others.map((path) => [path]),
        ];
        const told = asked.map(async ([path, accept = "application/json"]) => {
          const headers = { authorization: `Bearer ${token}`, accept };
          const { statusCode, body } = await request(`${url}${path}`, { dispatcher: agent, headers });
          // Ages in tables pass with the machine's time.
          const text = (await body.text()).replace(/"\d+[smhdy][0-9smhdy]*"/g, '"age"');
          return `${name} ${path} ${accept} ${statusCode} ${text}`;
        });
        for (const answer of await Promise.all(told)) hash.update(answer);
        answers += told.length;
      }
    } finally {
      await Promise.all(agents.map((agent) => agent.destroy()));
      await fleet.close();
    }
    return { digest: hash.digest("hex"), answers };
  }

  test("gives the same bytes to a thousand requests, and another seed others", async () => {
    const first = await digestOf(42, 40);
    expect(first.answers).toBe(1000);
    expect(await digestOf(42, 40)).toEqual(first);
    expect((await digestOf(43, 2)).digest).not.toBe((await digestOf(42, 2)).digest);
  });
});

describe("costs", () => {
  test("a cluster that nobody asks holds at most 2 KB", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const heapWith = async (clusters: number): Promise<number> => {
      const fleet = await startSimulator({ clusters, seed: 1, origin: "path" });
      collect();
      const bytes = process.memoryUsage().heapUsed;
      await fleet.close();
      return bytes;
    };
    await heapWith(1);
    const few = await heapWith(10);
    const many = await heapWith(2010);
    expect((many - few) / 2000).toBeLessThan(2 * 1024);
  });

  test("a cluster in which all that it has changed again and again holds at most 64 KB", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const count = 50;
    const clock = new VirtualClock();
    const fleet = await startSimulator({ clusters: count, seed: 1, origin: "path", clock });
    const heap = (): number => {
      collect();
      const { heapUsed, arrayBuffers } = process.memoryUsage();
      return heapUsed + arrayBuffers;
    };
    try {
      const before = heap();
      fleet.churn.set({ perClusterRate: 1 });
      await clock.advance(5 * 60_000);
      expect(fleet.churn.state().steps).toBeGreaterThan(count * 100);
      expect((heap() - before) / count).toBeLessThan(64 * 1024);
    } finally {
      await fleet.close();
    }
  });

  test("a list of 300 pods takes its server at most twice as long as parsing it takes its reader", () => {
    const [identity] = clusterIdentities(2, 1);
    if (identity === undefined) throw new Error("no cluster");
    const engine = new World({ seed: 2, index: 0, preset: "medium" }, identity, systemClock, new Map()).engine();
    const type = engine.catalog.find("", "v1", "pods");
    if (type === undefined) throw new Error("no pods");
    const part = { namespace: "", name: "", subresource: "", contentType: "", body: undefined, userAgent: "" };
    const built = (): string => {
      const asked = {
        ...part,
        type,
        verb: "list",
        query: new URLSearchParams(),
        form: "full",
        caller: administrator,
      } as const;
      const answer = engine.answer(asked);
      return answer.type === "body" ? answer.text : "";
    };
    const text = built();
    const pods = (): number => (JSON.parse(text) as { items: unknown[] }).items.length;
    expect(pods()).toBeGreaterThan(200);
    const timeOf = (work: () => unknown): number => {
      const startedMs = performance.now();
      for (let i = 0; i < 3; i++) work();
      return performance.now() - startedMs;
    };
    // In turns, so that a busy machine slows both down; the medians of many rounds.
    const rounds = Array.from({ length: 15 }, () => timeOf(built) / timeOf(pods));
    const median = rounds.toSorted((a, b) => a - b)[7] ?? Number.POSITIVE_INFINITY;
    expect(median).toBeLessThan(2);
  });

  test("a thousand watches that are silent hold at most 60 MB", async () => {
    const folder = mkdtempSync(join(tmpdir(), "clusterpulse-budgets-"));
    const file = join(folder, "kubeconfig");
    const simulator = startCommand("simulate", "--clusters", "1", "--preset", "tiny", "--kubeconfig-out", file);
    const sessions: ClientHttp2Session[] = [];
    try {
      const { pid } = JSON.parse(await simulator.until(/\n/)) as { pid: number };
      const found = (await findSimulators()).find((one) => one.pid === pid);
      if (found === undefined) throw new Error("no run file");
      const admin = new AdminClient(found.admin, { deadlineMs: 60_000 });
      const { url, token, ca } = serverOf(readFileSync(file, "utf8"), "hub");
      const headers = { ":path": "/api/v1/configmaps?watch=true&resourceVersion=1", authorization: `Bearer ${token}` };
      const watch = async (count: number): Promise<void> => {
        const session = connect(url, { ca });
        sessions.push(session);
        await Promise.all(
          Array.from({ length: count }, async () => {
            const [answer] = await once(session.request(headers), "response");
            expect(answer[":status"]).toBe(200);
          }),
        );
      };
      // The first ones bring what all share: code, buffers, the connection.
      for (let i = 0; i < 3; i++) await watch(100);
      const before = (await admin.process()).residentBytes;
      for (let i = 0; i < 10; i++) await watch(100);
      const perWatch = ((await admin.process()).residentBytes - before) / 1000;
      expect(perWatch).toBeLessThan(60 * 1024);
    } finally {
      for (const session of sessions) session.destroy();
      simulator.child.kill("SIGTERM");
      await simulator.ended;
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
