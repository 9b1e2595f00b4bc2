// `clusterpulse load`, as a performance engineer runs it: a hub under a fleet of which a part is broken.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import type { LoadReport } from "../../src/load/report.ts";
import { faultNames } from "../../src/simulator/faults/names.ts";
import { chooseBroken, parseFaultShares } from "../../src/simulator/scenario/shares.ts";
import { clusterIdentities } from "../../src/simulator/world/profile.ts";
import { runCommand } from "../support/processes.ts";
import { hasRedis } from "../support/redis.ts";

const scratch = mkdtempSync(join(tmpdir(), "load-test-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe.skipIf(!hasRedis())("clusterpulse load", () => {
  it("reports that healthy clusters were on time beside broken ones, and leaves nothing behind", async () => {
    const file = join(scratch, "a");
    const names = clusterIdentities(1, 10).map(({ name }) => name);
    const holes = chooseBroken(names, parseFaultShares("blackhole=20%", faultNames), 1);
    const [hung, gone] = names.filter((name) => !holes.has(name));
    const scenario = join(scratch, "scenario.yaml");
    writeFileSync(
      scenario,
      `
steps:
  - { at: 1s, faults: [{ cluster: ${hung}, fault: hang }] }
  - { at: 2s, every: 5s, until: 20s, add: all, remove: [${gone}], heal: all }
`,
    );
    const { code, output, errors } = await runCommand(
      ...["load", "--clusters", "10", "--preset", "tiny", "--warm-up", "47", "--duration", "31"],
      ...["--faults", "blackhole=20%", "--report", file, "--max-lateness-p99", "10000"],
      ...["--max-first-view", "120", "--max-rss-mb", "5000", "--max-cpu-u", "100"],
      ...["--scenario", scenario, "--metric-sources", "2", "--registries", "1", "--simulator-processes", "2"],
    );
    expect({ code, errors }).toEqual({ code: 0, errors: expect.stringContaining("load: measuring") });
    const report = JSON.parse(readFileSync(`${file}.json`, "utf8")) as LoadReport;
    expect(report).toMatchObject({ clusters: 10, faults: { blackhole: 2, hang: 1 }, exceeded: [] });
    expect(report.churned).toBe(1);
    expect(report.healthy).toMatchObject({ missedCycles: 0 });
    expect(report.healthy.clusters).toBe(6);
    expect(report.healthy.cycles).toBeGreaterThanOrEqual(report.healthy.clusters);
    expect(report.healthy.latenessMs.p99).toBeGreaterThan(0);
    expect(report.tickMs.p50).toBeGreaterThan(0);
    expect(report.broken.clusters + report.healthy.clusters + report.churned).toBe(10);
    expect(report.broken.maxSocketsPerCluster).toBeLessThanOrEqual(2);
    expect(report.hub.cpuMsPerClusterCycle).toBeGreaterThan(0);
    expect(report.hub.cpuPerClusterCycleU).toBeCloseTo(report.hub.cpuMsPerClusterCycle / report.unitMs);
    expect(report.hub.rssBytes).toBeGreaterThan(10_000_000);
    expect(report.hub.handshakesPeak).toBeGreaterThan(0);
    expect(report.worst).toHaveLength(6);
    expect(report.recoveries).toMatchObject([{ atSeconds: 2, clusters: 1 }]);
    expect(report.scenario).toMatchObject({ failed: 0, lastError: null });
    expect(report.simulator.cpuMsPerClusterCycle).toBeGreaterThan(0);
    expect(report.firstFullViewMs).toBeGreaterThan(0);
    expect(JSON.parse(output)).toMatchObject({ seed: report.seed, healthy: report.healthy });
    expect(readFileSync(`${file}.html`, "utf8")).toContain("blackhole on 2");
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith("clusterpulse-load-"))).toEqual([]);

    const compared = await runCommand("load", "--compare", `${file}.json`, `${file}.json`);
    expect(compared.code).toBe(0);
    expect(compared.output).toMatch(/hub\.rssBytes .* 1\.00x/);
  }, 240_000);

  it("says at once, and all at once, what is wrong with its flags", async () => {
    const { code, errors } = await runCommand("load", "--clusters", "0", "--interval", "5", "--nonsense");
    expect(code).toBe(2);
    expect(errors).toContain("--clusters must be a whole number from 1 to 5000");
    expect(errors).toContain("--interval must be a whole number from 30 to 3600");
    expect(errors).toContain("unknown flag --nonsense");
    const against = await runCommand("load", "--against", "nowhere", "--metric-sources", "3");
    expect(against.errors).toContain("--against must be a URL such as http://127.0.0.1:8080");
    const joined = await runCommand(
      ...["load", "--against", "http://127.0.0.1:9", "--registries", "3", "--max-first-view", "9"],
    );
    expect(joined.errors).toContain("--registries belongs to a fleet of its own");
    expect(joined.errors).toContain("--max-first-view is for a hub that is started");
    const scenario = join(scratch, "wrong.yaml");
    writeFileSync(scenario, "steps: [{ at: soon, heal: all }]");
    const others = await runCommand(
      ...["load", "--scenario", scenario, "--faults", "nonsense=3", "--store", "http://x", "--simulator", "1"],
      ...["--report", join(scratch, "nowhere", "a"), "--max-p99-ratio", "1.1", "--max-cpu-u", "little"],
    );
    expect(others.code).toBe(2);
    for (const problem of [
      "--scenario: steps[0].at: must be a time",
      "nonsense must be one of blackhole",
      "--store: ",
      "--simulator goes with --against",
      "--report: there is no folder",
      "it needs --baseline",
      "--max-cpu-u must be a number from",
    ])
      expect(others.errors).toContain(problem);
    writeFileSync(scenario, "steps: [{ at: 1s, faults: [{ cluster: nobody-01, fault: hang }] }]");
    const stranger = await runCommand("load", "--clusters", "2", "--preset", "tiny", "--scenario", scenario);
    expect(stranger).toMatchObject({ code: 2, output: "" });
    expect(stranger.errors).toBe(
      "clusterpulse: --scenario: steps[0].faults: no simulated cluster is called nobody-01\n",
    );
    const missing = await runCommand(
      ...["load", "--scenario", join(scratch, "no.yaml"), "--clusters", "3", "--faults", "hang=4", "--report", ""],
    );
    for (const problem of [
      "no.yaml cannot be read",
      "that many cannot be broken: there are 3 clusters",
      "--report must",
    ])
      expect(missing.errors).toContain(problem);
  });

  it("refuses to compare what is no report, and flags that it would not hear", async () => {
    const { code, errors } = await runCommand("load", "--compare", join(scratch, "no.json"), "package.json");
    expect(code).toBe(2);
    expect(errors).toMatch(/no\.json: cannot be read|package\.json: is not a report/);
    const more = await runCommand("load", "--compare", "a.json", "b.json", "--clusters", "3");
    expect(more).toMatchObject({ code: 2, errors: "clusterpulse: --clusters does not go with --compare\n" });
  });
});
