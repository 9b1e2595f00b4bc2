// `clusterpulse simulate`, alone: what it prints, writes and serves, and what it says to a wrong command line.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { loadHubKubeconfig } from "../../src/kube/kubeconfig.ts";
import { createTransport } from "../../src/kube/transport.ts";
import { eventually, isAlive, leftovers, runCommand, type Started, startCommand } from "../support/processes.ts";

const scratch = mkdtempSync(join(tmpdir(), "clusterpulse-simulate-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const signal = AbortSignal.timeout(600_000);
const kubeconfig = join(scratch, "kubeconfig");

async function list(
  context: string,
  path: string,
  file = kubeconfig,
): Promise<{ metadata: { name: string; uid: string }; spec: Record<string, unknown> }[]> {
  const { credentials } = await loadHubKubeconfig({ path: file, context, env: {} });
  const transport = createTransport(credentials, {}, "test");
  try {
    const { body } = await transport.requestJson("GET", path, { signal, maxBytes: 1 << 24 });
    return (body as { items: never[] }).items;
  } finally {
    await transport.close();
  }
}

const parted = join(scratch, "parted");
async function startParts(): Promise<{ simulator: Started; ready: { parts: number[] } }> {
  const flags = ["--clusters", "5", "--processes", "2", "--preset", "tiny", "--register", "fleet"];
  const simulator = startCommand("simulate", ...flags, "--kubeconfig-out", parted);
  return { simulator, ready: JSON.parse(await simulator.until(/\n/)) as { parts: number[] } };
}

describe("clusterpulse simulate", () => {
  test("serves a hub API and clusters, registered on request, and leaves nothing behind", async () => {
    const before = leftovers();
    const flags = {
      clusters: "5",
      seed: "7",
      port: "0",
      "kubeconfig-out": kubeconfig,
      register: "fleet",
      interval: "30",
    };
    const simulator = startCommand(
      "simulate",
      ...Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    );
    const line = (await simulator.until(/\n/)).trim();
    expect(JSON.parse(line)).toMatchObject({ ready: true, clusters: 5, seed: 7, registered: "fleet", kubeconfig });
    expect(line).not.toMatch(/token/);
    expect(statSync(kubeconfig).mode & 0o777).toBe(0o600);
    expect(readFileSync(kubeconfig, "utf8")).toMatch(/^current-context: hub$/m);

    const connections = await list("hub", "/apis/clusterpulse.io/v1alpha1/namespaces/fleet/clusterconnections");
    expect(connections).toHaveLength(5);
    const secrets = (await list("hub", "/api/v1/namespaces/fleet/secrets")).map(({ metadata }) => metadata.name);
    for (const { metadata, spec } of connections) {
      expect(spec).toMatchObject({
        endpoint: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+/),
        monitoring: { interval: 30 },
      });
      expect(secrets).toContain((spec["credentialsRef"] as { name: string }).name);
      expect((await list(metadata.name, "/api/v1/nodes")).length).toBeGreaterThan(0);
    }
    simulator.child.kill("SIGTERM");
    expect(await simulator.ended).toBe(0);
    expect(leftovers()).toEqual(before);
  });

  test("writes the hub's context alone when told so", async () => {
    const file = join(scratch, "alone");
    const simulator = startCommand("simulate", "--clusters", "3", "--kubeconfig-out", file, "--kubeconfig-of", "hub");
    await simulator.until(/\n/);
    const { contexts } = parse(readFileSync(file, "utf8")) as { contexts: { name: string }[] };
    expect(contexts.map(({ name }) => name)).toEqual(["hub"]);
    expect(await list("hub", "/api/v1/namespaces", file)).not.toHaveLength(0);
    simulator.child.kill("SIGTERM");
    expect(await simulator.ended).toBe(0);
  });

  test("serves clusters below paths of one port, and keeps its objects in a folder of its owner alone", async () => {
    const dataFolder = join(scratch, "data");
    const file = join(scratch, "kept");
    writeFileSync(file, "", { mode: 0o644 });
    const start = () =>
      startCommand(
        "simulate",
        ...["--clusters", "2", "--preset", "tiny", "--register", "fleet", "--origin", "path"],
        ...["--data-dir", dataFolder, "--kubeconfig-out", file],
      );
    const uidsOf = async (): Promise<string[]> => {
      const objects = await list("hub", "/apis/clusterpulse.io/v1alpha1/namespaces/fleet/clusterconnections", file);
      for (const { metadata, spec } of objects) {
        expect(spec["endpoint"]).toMatch(new RegExp(`^https://127\\.0\\.0\\.1:\\d+/clusters/${metadata.name}$`));
        expect((await list(metadata.name, "/api/v1/nodes", file)).length).toBeGreaterThan(0);
      }
      return objects.map(({ metadata }) => metadata.uid);
    };
    const lives: string[][] = [];
    for (let life = 0; life < 2; life++) {
      const simulator = start();
      expect(JSON.parse(await simulator.until(/\n/))).toMatchObject({
        ready: true,
        origin: "path",
        dataDir: dataFolder,
      });
      expect(statSync(file).mode & 0o777).toBe(0o600);
      lives.push(await uidsOf());
      simulator.child.kill("SIGTERM");
      expect(await simulator.ended).toBe(0);
    }
    expect(lives[0]).toHaveLength(2);
    expect(lives[1]).toEqual(lives[0]);
    expect(statSync(dataFolder).mode & 0o777).toBe(0o700);
  });

  test("serves the clusters with several processes, through the same doors, and ends with all of them", async () => {
    const before = leftovers();
    const { simulator, ready } = await startParts();
    expect(ready).toMatchObject({ ready: true, clusters: 5, parts: [expect.any(Number), expect.any(Number)] });
    const which = ["--simulator", String(simulator.child.pid)];
    const connections = await list("hub", "/apis/clusterpulse.io/v1alpha1/namespaces/fleet/clusterconnections", parted);
    expect(connections).toHaveLength(5);
    for (const { metadata } of connections)
      expect((await list(metadata.name, "/api/v1/nodes", parted)).length).toBeGreaterThan(0);
    const broken = connections.map(({ metadata }) => metadata.name).slice(0, 2);
    for (const name of broken)
      expect(await runCommand("fault", "add", name, "unauthorized", ...which)).toMatchObject({ code: 0 });
    const listed = await runCommand("fault", "list", ...which);
    for (const name of broken) expect(listed.output).toMatch(new RegExp(`^${name}\\s+unauthorized`, "m"));
    expect(await runCommand("fault", "remove", broken[0] as string, ...which)).toMatchObject({ code: 0 });
    expect((await list(broken[0] as string, "/api/v1/nodes", parted)).length).toBeGreaterThan(0);
    simulator.child.kill("SIGTERM");
    expect(await simulator.ended).toBe(0);
    for (const pid of ready.parts) expect(isAlive(pid)).toBe(false);
    expect(leftovers()).toEqual(before);
  });

  test("says which of its processes died, and ends with the others", async () => {
    const before = leftovers();
    const { simulator, ready } = await startParts();
    process.kill(ready.parts[0] as number, "SIGKILL");
    expect(await simulator.ended).toBe(1);
    expect(simulator.errors()).toBe(
      `clusterpulse: process 1 of 2 for clusters (process id ${ready.parts[0]}) ended unexpectedly: SIGKILL; the fleet is stopped\n`,
    );
    for (const pid of ready.parts) expect(isAlive(pid)).toBe(false);
    expect(leftovers()).toEqual(before);
  });

  test("takes its processes with it when it is killed", async () => {
    const { simulator, ready } = await startParts();
    simulator.child.kill("SIGKILL");
    await simulator.ended;
    await eventually(
      async () => !ready.parts.some(isAlive),
      60_000,
      "a process outlived the simulator that started it",
    );
  });

  test("lists everything that is wrong with a command line", async () => {
    const { code, errors } = await runCommand(
      "simulate",
      "--clusters",
      "0",
      "--preset",
      "huge",
      "--register",
      "No_Name",
      ...["--origin", "nowhere", "--processes", "17", "--bogus"],
    );
    expect(code).toBe(2);
    expect(errors.trim().split("\n").sort()).toEqual([
      'clusterpulse: --clusters must be a whole number from 1 to 5000, not "0"',
      'clusterpulse: --origin must be one of port, path, ip, not "nowhere"',
      expect.stringMatching(/^clusterpulse: --preset must be one of .*, not "huge"$/),
      'clusterpulse: --processes must be a whole number from 1 to 16, not "17"',
      'clusterpulse: --register must be a namespace name such as clusterpulse, not "No_Name"',
      "clusterpulse: unknown flag --bogus",
    ]);
  });
});

describe("clusterpulse fault", () => {
  test("says what is wrong with a fault, and where there is no such simulator", async () => {
    const unknown = await runCommand("fault", "add", "some-cluster", "earthquake");
    expect(unknown).toMatchObject({ code: 2, errors: expect.stringMatching(/fault: must be one of/) });
    const strange = await runCommand(
      "fault",
      "add",
      "c",
      "status",
      "--set",
      "probability=2",
      "watch=maybe",
      "path=/x=1",
    );
    expect(strange).toMatchObject({
      code: 2,
      errors:
        "clusterpulse: parameters.probability: must be a number from 0 to 1 (a share)\nclusterpulse: parameters.watch: must be true or false\n",
    });
    const told = await runCommand("fault", "parameters", "watchstall");
    expect(told).toMatchObject({ code: 0, output: expect.stringContaining("      lose: ") });
    expect(await runCommand("fault", "parameters", "storm")).toMatchObject({ code: 2 });
    const nowhere = await runCommand("fault", "list", "--simulator", "2147483647");
    expect(nowhere).toMatchObject({ code: 1, errors: "clusterpulse: no simulator has process id 2147483647\n" });
  });
});
