// `npm start`, then ten clusters are broken by hand: the page shows exactly those ten, and the others are as punctual as before.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AdminClient } from "../../src/simulator/admin-client.ts";
import { findSimulators } from "../../src/simulator/process.ts";
import { eventually, isAlive, runCommand, type Started, startCommand } from "../support/processes.ts";
import { launchBrowser, openPage } from "./browser.ts";

const browser = await launchBrowser();
let demo: Started;
let url = "";
let simulatorPid = 0;
let admin: AdminClient;

interface Row {
  readonly name: string;
  readonly status: { readonly health: string };
}
interface Sample {
  readonly atMs: number;
  readonly cycles: number;
  readonly p99Ms: number;
}
const get = async (path: string): Promise<unknown> => (await fetch(`${url}${path}`)).json();
const unhealthy = async (): Promise<string[]> =>
  ((await get("/api/v1/clusters")) as Row[])
    .filter(({ status }) => status.health !== "healthy")
    .map(({ name }) => name)
    .sort();
const samples = async (): Promise<Sample[]> =>
  ((await get("/api/v1/system/lateness")) as { samples: Sample[] }).samples;

beforeAll(async () => {
  demo = startCommand("demo", "--port", "0", "--seed", "7", "--clusters", "25");
  const banner = await demo.until(/Ctrl-C stops all of it/);
  url = /page and API +(http:\S+)/.exec(banner)?.[1] ?? "";
  simulatorPid = Number(/simulator +process (\d+)/.exec(banner)?.[1]);
  const simulator = (await findSimulators()).find(({ pid }) => pid === simulatorPid);
  admin = new AdminClient(simulator?.admin ?? { url: "http://127.0.0.1:1", token: "" });
  const names = new Set((await admin.clusters()).map(({ name }) => name));
  for (const { cluster } of await admin.listFaults()) if (names.has(cluster)) await admin.removeFault(cluster);
});
afterAll(async () => {
  await browser?.close();
  demo.child.kill("SIGTERM");
  await demo.ended;
  await eventually(async () => !isAlive(simulatorPid), 30_000, "the simulator ends with the demo");
});

describe.skipIf(browser === null)("ten clusters that break while the page is open", () => {
  it("are exactly the ten that it shows, and the lateness line of the others does not move", async () => {
    await eventually(async () => (await unhealthy()).length === 0, 90_000, "a healthy fleet");
    await eventually(async () => (await samples()).some(({ cycles }) => cycles > 0), 60_000, "a first sample");
    const { page, problems } = await openPage(browser as NonNullable<typeof browser>, url);
    const line = page.locator("[data-lateness-p99]");
    await line.waitFor({ timeout: 60_000 });

    const ten = (await admin.clusters()).slice(0, 10).map(({ name }) => name);
    const brokenAtMs = Date.now();
    for (const [i, name] of ten.entries()) {
      const fault = ["blackhole", "hang", "refuse", "unauthorized", "reset"][i % 5] as string;
      const { code } = await runCommand("fault", "add", name, fault, "--simulator", String(simulatorPid));
      expect(code).toBe(0);
    }
    await eventually(async () => (await unhealthy()).length >= 10, 120_000, "ten broken clusters");
    // Two more rounds of the fleet: whoever else were to break would have.
    await eventually(
      async () => (await samples()).filter(({ atMs }) => atMs > brokenAtMs + 10_000).length >= 2,
      120_000,
      "two samples with ten broken clusters",
    );
    expect(await unhealthy()).toEqual([...ten].sort());
    await page.locator('[data-health="unhealthy"][aria-pressed="false"]').click();
    await expect
      .poll(
        async () =>
          (
            await page
              .locator("[data-cluster]")
              .evaluateAll((rows) => rows.map((row) => row.getAttribute("data-cluster")))
          ).sort(),
        { timeout: 30_000 },
      )
      .toEqual([...ten].sort());

    // A cluster that answers at all is seen within its interval of ten seconds; one that waited for a broken one would need five more.
    const after = (await samples()).filter(({ atMs }) => atMs > brokenAtMs);
    expect(after.reduce((sum, { cycles }) => sum + cycles, 0)).toBeGreaterThanOrEqual(15);
    expect(Math.max(...after.map(({ p99Ms }) => p99Ms))).toBeLessThan(5_000);
    expect(Number(await line.getAttribute("data-lateness-p99"))).toBeLessThan(5_000);
    expect(problems).toEqual([]);
  }, 400_000);
});
