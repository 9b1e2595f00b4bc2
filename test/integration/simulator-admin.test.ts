// The simulator's own door: what it tells, what it switches, and whom it turns away.
import { mkdtempSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AdminClient } from "../../src/simulator/admin-client.ts";
import { type Simulator, startSimulator } from "../../src/simulator/index.ts";
import { findSimulators, writeRunFile } from "../../src/simulator/process.ts";

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
    ["too much", "x".repeat(70_000), 413, "at most 65536 bytes"],
  ])("refuses a fault rule with %s", async (_what, body, status, error) => {
    const answer = await call("POST", "faults", body);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toContain(error);
    expect(simulator.faults.list()).toEqual([]);
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
