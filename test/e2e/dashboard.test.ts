// The page in a real browser, against a stand-in for the hub that serves it under a strict content security policy.
import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { buildDashboardIfStale } from "../../src/dashboard/build.ts";
import { launchBrowser, type OpenPage, openPage } from "./browser.ts";
import { actorSnapshot, ago, clusterRow, type DashboardHub, type Row, startDashboardHub } from "./dashboard-hub.ts";

let browser: Browser | null = null;
let hub: DashboardHub;
let open: OpenPage;
let page: Page;

const unhealthy = {
  health: "unhealthy",
  reason: "ConnectTimeout",
  message: "no connection within 10 s",
  last_check: ago(3),
};
const fleet = (): Row[] => [
  clusterRow("alpha"),
  clusterRow("broken", { status: unhealthy, asOf: ago(4000), staleAfter: ago(3940) }),
  clusterRow("limping", {
    status: { health: "degraded", reason: "Partial", message: "403 for pods", last_check: ago(3) },
    missing: ["pods"],
  }),
  clusterRow("new", {
    status: { health: "unknown", reason: "Pending", message: "Waiting" },
    asOf: null,
    staleAfter: null,
    info: {},
    metrics: {},
  }),
];

beforeAll(async () => {
  browser = await launchBrowser();
  if (browser !== null) await buildDashboardIfStale();
});

afterAll(async () => {
  await browser?.close();
});

const eventually = <T>(probe: () => Promise<T>) => expect.poll(probe, { timeout: 20_000 });
const names = () =>
  page.locator("[data-cluster]").evaluateAll((rows) => rows.map((row) => row.getAttribute("data-cluster")));
const row = (name: string) => page.locator(`[data-cluster="${name}"]`);
const connection = () => page.locator("[data-connection]").getAttribute("data-connection");

/** Opens the page on a fleet; every test runs through here, so that none runs without a browser. */
async function visit(
  rows: Row[],
  options: { dark?: boolean; width?: number; actors?: Record<string, unknown>[] } = {},
): Promise<void> {
  if (browser === null) throw new Error("no browser");
  hub = await startDashboardHub(rows);
  hub.actors = options.actors ?? [];
  open = await openPage(browser, hub.url, options);
  page = open.page;
  // The page says "nothing yet" until the first answer is there.
  if (rows.length > 0) await page.waitForSelector("[data-cluster]");
  // The first rows may be shown before the end of the first list.
  await page.locator("[data-connection=live]").waitFor();
}

describe("the page", () => {
  beforeEach((context) => {
    if (browser === null) context.skip("no Chromium");
  });

  afterEach(async () => {
    await page?.close();
    await hub?.stop();
  });

  it("shows the registries, broken ones first, with reason, response time, certificate and age", async () => {
    await visit(fleet());
    const spec = { endpoint: "https://registry.example.com" };
    const healthy = { available: true, health: "healthy", reason: "Available", response_time: 42 };
    const broken = { available: false, health: "unhealthy", reason: "ConnectTimeout", message: "no connection" };
    hub.registries = [
      {
        name: "calm",
        spec,
        status: { ...healthy, certificate_expires_at: ago(-30.5 * 86_400) },
        asOf: ago(5),
        staleAfter: ago(-55),
      },
      { name: "gone", spec, status: broken, asOf: ago(4000), staleAfter: ago(3940) },
    ];
    await page.locator("#view-registries").click();
    const registries = page.locator("[data-registry]");
    await eventually(() => registries.count()).toBe(2);
    const texts = await registries.allInnerTexts();
    expect(texts[0]).toMatch(/gone.*Unhealthy.*ConnectTimeout.*1 h 06 min/s);
    expect(texts[1]).toMatch(/calm.*Healthy.*42 ms.*30 d/s);
    expect(await registries.first().locator(".cp-age--stale").count()).toBe(1);
    await page.getByRole("textbox", { name: "Filter registries" }).fill("calm");
    await eventually(() => registries.count()).toBe(1);
  });

  it("shows the MetricSources, broken ones first, with reason, resources, clusters, cost and age", async () => {
    await visit(fleet());
    const common = { namespace: "team", apiVersion: "v1", kind: "Pod" };
    const ready = { type: "Ready", status: "True", reason: "CollectionSuccessful" };
    const broken = { type: "Ready", status: "False", reason: "InvalidSpec", message: "spec.fields must not be empty" };
    const cost = { cpuMs: 1234, storedBytes: 2048, topClusters: [{ cluster: "alpha", cpuMs: 900 }] };
    hub.metricSources = [
      {
        ...common,
        name: "calm",
        status: { message: "Collection successful", resourcesCollected: 4321, cost, conditions: [ready] },
        clusters: { collected: 4, failed: 0, unreachable: 0, pending: 0 },
        asOf: ago(5),
        staleAfter: ago(-55),
        partial: false,
      },
      {
        ...common,
        name: "old",
        status: { resourcesCollected: 7, conditions: [ready] },
        clusters: { collected: 3, failed: 0, unreachable: 1, pending: 0 },
        asOf: ago(4000),
        staleAfter: ago(3940),
        partial: true,
      },
      { ...common, name: "wrong", status: { conditions: [broken] }, asOf: null, staleAfter: null },
    ];
    await page.locator("#view-metricsources").click();
    const sources = page.locator("[data-source]");
    await eventually(() => sources.count()).toBe(3);
    const texts = await sources.allInnerTexts();
    expect(texts[0]).toMatch(/wrong.*v1 Pod.*Unhealthy.*InvalidSpec.*spec\.fields must not be empty.*never/s);
    expect(texts[1]).toMatch(/old.*Degraded.*7.*3 \/ 4.*1 h 06 min/s);
    expect(texts[2]).toMatch(/calm.*Healthy.*Collection successful.*4,321.*4 \/ 4.*1,234 ms.*2 KiB.*\d s/s);
    expect(await sources.locator(".cp-age--stale").count()).toBe(1);
    hub.perCluster = [
      {
        cluster: "alpha",
        resourceCount: 12,
        aggregations: { total: 12, by_class: { fast: 4, slow: 8 } },
        asOf: ago(7),
        staleAfter: ago(-50),
      },
      { cluster: "broken", resourceCount: 3, lastError: "403 for pods", asOf: ago(4000), staleAfter: ago(3900) },
    ];
    await sources.nth(2).click();
    const inClusters = page.locator("[data-source-cluster]");
    await eventually(() => inClusters.count()).toBe(2);
    expect(await inClusters.first().innerText()).toMatch(
      /alpha.*12 resources.*total 12.*by_class fast 4, slow 8.*\d s/s,
    );
    expect(await inClusters.nth(1).innerText()).toMatch(/broken.*3 resources, 403 for pods.*1 h 06 min/s);
    await page.keyboard.press("Escape");
    await eventually(() => inClusters.count()).toBe(0);
    await page.getByRole("textbox", { name: "Filter MetricSources" }).fill("invalidspec");
    await eventually(() => sources.count()).toBe(1);
    await page.reload();
    await eventually(() => sources.count()).toBe(1);
    expect(open.problems).toEqual([]);
  });

  it("shows broken clusters first, each with the age of its data, and complains about nothing", async () => {
    await visit(fleet());
    expect(await names()).toEqual(["broken", "limping", "new", "alpha"]);
    expect(await connection()).toBe("live");
    expect(await row("broken").innerText()).toContain("1 h 06 min");
    expect(await row("broken").locator(".cp-age--stale").count()).toBe(1);
    expect(await row("broken").locator(".cp-old").count()).toBeGreaterThan(3);
    expect(await row("limping").innerText()).toContain("missing: pods");
    expect(await row("new").innerText()).toContain("never");
    expect(await row("alpha").locator(".cp-old, .cp-age--stale").count()).toBe(0);
    await page.getByText("Unhealthy").first().waitFor();
    expect(await page.title()).toBe("1 unhealthy · ClusterPulse Hub");
    expect(open.problems).toEqual([]);
  });

  it("shows a change at once, moves the row, and marks it; a deleted cluster goes", async () => {
    await visit(fleet());
    hub.put(
      clusterRow("alpha", {
        status: { ...unhealthy, reason: "Unauthorized", message: "<img src=x onerror=alert(1)>" },
      }),
    );
    await row("alpha").getByText("Unauthorized").filter({ visible: true }).waitFor();
    expect((await names()).slice(0, 2)).toEqual(["alpha", "broken"]);
    expect(await row("alpha").getAttribute("class")).toContain("cp-flash");
    expect(await row("broken").getAttribute("class")).not.toContain("cp-flash");
    expect(await row("alpha").innerText()).toContain("<img src=x onerror=alert(1)>");
    hub.remove("new");
    await row("new").waitFor({ state: "detached" });
    expect(open.problems).toEqual([]);
  });

  it("filters by health and by text, and keeps the filter over a reload", async () => {
    await visit(fleet());
    await page.locator("button[data-health=degraded]").click();
    expect(await names()).toEqual(["limping"]);
    await page.locator("button[data-health=degraded]").click();
    await page.getByLabel("Filter clusters").fill("connecttimeout");
    await eventually(names).toEqual(["broken"]);
    await page.reload();
    await eventually(names).toEqual(["broken"]);
    await page.getByLabel("Filter clusters").fill("no such thing");
    await page.getByText("Show all 4 clusters").click();
    expect(await names()).toHaveLength(4);
  });

  it("sorts by a column when asked", async () => {
    await visit([
      clusterRow("few", { metrics: { nodes: 1, nodes_ready: 1 } }),
      clusterRow("many", { metrics: { nodes: 9, nodes_ready: 9 } }),
      clusterRow("none", { metrics: {} }),
    ]);
    await page.getByRole("button", { name: "Nodes" }).click();
    expect(await names()).toEqual(["few", "many", "none"]);
    await page.getByRole("button", { name: "Nodes" }).click();
    expect(await names()).toEqual(["many", "few", "none"]);
  });

  it("lets ages grow by themselves and turns them amber when the data becomes stale", async () => {
    await visit([clusterRow("alpha", { asOf: ago(20), staleAfter: ago(-4) })]);
    const seconds = async () => Number(/(\d+) s/.exec(await row("alpha").locator(".cp-age").first().innerText())?.[1]);
    const first = await seconds();
    expect(first).toBeGreaterThanOrEqual(20);
    await row("alpha").locator(".cp-age--stale").waitFor();
    await eventually(seconds).toBeGreaterThan(first);
    expect(await row("alpha").locator(".cp-old").count()).toBeGreaterThan(3);
  });

  it("says that it is not live when the hub is gone, and is live again when it is back", async () => {
    await visit(fleet());
    const port = Number(new URL(hub.url).port);
    await hub.stop();
    await page.getByText(/Connection lost \d+ s ago/).waitFor();
    expect(await connection()).toBe("reconnecting");
    expect(await page.title()).toBe("Not live · ClusterPulse Hub");
    expect(await names()).toHaveLength(4);
    const age = await page.locator("[data-connection]").innerText();
    await eventually(() => page.locator("[data-connection]").innerText()).not.toBe(age);
    hub = await startDashboardHub([clusterRow("alpha"), clusterRow("beta")], port);
    await page.locator("[data-connection=live]").waitFor({ timeout: 20_000 });
    expect(await names()).toEqual(["alpha", "beta"]);
    await page.getByText("Connection lost").waitFor({ state: "detached" });
  });

  it("does not believe a connection that has been silent for too long", async () => {
    await visit(fleet());
    hub.streams = false; // for the next connection; the open one stays open
    await page.clock.install();
    await page.clock.setSystemTime(Date.now() + 15_000);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(await connection()).toBe("live");
    await page.clock.setSystemTime(Date.now() + 30_000);
    await page.locator("[data-connection=reconnecting], [data-connection=polling]").waitFor();
  });

  it("fetches lists while there is no stream, without looking live", async () => {
    await visit(fleet());
    hub.streams = false;
    hub.dropStreams();
    await page.locator("[data-connection=polling]").waitFor({ timeout: 20_000 });
    hub.rows.set("late", clusterRow("late"));
    await row("late").waitFor({ timeout: 20_000 });
    await page.getByText("No live updates").waitFor();
    hub.streams = true;
    await page.locator("[data-connection=live]").waitFor({ timeout: 20_000 });
  });

  it("opens the details of a cluster with its nodes, the broken first, and closes them on Escape", async () => {
    await visit([clusterRow("alpha", { metrics: { nodes: 4, nodes_ready: 3 } })]);
    await row("alpha").focus();
    await page.keyboard.press("Enter");
    await page.locator("[data-node]").first().waitFor();
    expect(await page.locator("[data-node]").count()).toBe(4);
    expect(await page.locator("[data-node]").first().innerText()).toContain("NotReady");
    await page.keyboard.press("Escape");
    await page.locator("[data-node]").first().waitFor({ state: "detached" });
    expect(open.problems).toEqual([]);
  });

  it("shows the supervision tree, trouble first, and folds it", async () => {
    const now = Date.now();
    const actors = [
      actorSnapshot("/hub", "hub"),
      actorSnapshot("/hub/clusters", "clusters"),
      actorSnapshot("/hub/clusters/alpha", "cluster"),
      actorSnapshot("/hub/clusters/beta", "cluster", {
        state: "backoff",
        restarts: 3,
        lastError: { code: "UNEXPECTED", message: "TypeError", atMs: now - 5000 },
        runs: [{ name: "collect", startedAtMs: now, deadlineAtMs: now + 30_000 }],
      }),
    ];
    await visit(fleet(), { actors });
    await page.getByRole("button", { name: "Supervision tree" }).click();
    const paths = () =>
      page.locator("[data-actor]").evaluateAll((rows) => rows.map((each) => each.getAttribute("data-actor")));
    await eventually(paths).toEqual(["/hub", "/hub/clusters", "/hub/clusters/beta", "/hub/clusters/alpha"]);
    expect(await page.locator("[data-actor='/hub/clusters/beta']").innerText()).toMatch(
      /backoff[\s\S]*collect[\s\S]*UNEXPECTED/,
    );
    await page.getByLabel("Fold /hub/clusters").click();
    expect(await paths()).toEqual(["/hub", "/hub/clusters"]);
    expect(await page.locator("[data-actor='/hub/clusters']").innerText()).toContain("2 below, 1 troubled");
    hub.actors = [actorSnapshot("/hub", "hub", { processed: 999_999 })];
    await eventually(() => page.locator(".cp-totals").innerText()).toContain("999,999");
    expect(open.problems).toEqual([]);
  });

  it("stays small and quick with 2,000 clusters and 2,000 actors", async () => {
    const rows = Array.from({ length: 2000 }, (_, index) => clusterRow(`cluster-${index}`));
    const actors = rows.map(({ name }) => actorSnapshot(`/hub/clusters/${name}`, "cluster"));
    await visit(rows, { actors });
    const table = page.getByRole("grid", { name: "Clusters" });
    expect(await table.getAttribute("aria-rowcount")).toBe("2001");
    expect(await page.locator("[data-cluster]").count()).toBeLessThan(60);
    await page.locator(".cp-scroller").evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await row("cluster-1999").waitFor();
    expect(await row("cluster-1999").getAttribute("aria-rowindex")).toBe("2001");
    expect(await page.locator("[data-cluster]").count()).toBeLessThan(60);
    hub.put(clusterRow("cluster-1999", { status: unhealthy }));
    await page.locator(".cp-scroller").evaluate((element) => element.scrollTo(0, 0));
    await eventually(async () => (await names())[0]).toBe("cluster-1999");
    await page.getByRole("button", { name: "Supervision tree" }).click();
    await page.locator("[data-actor]").first().waitFor();
    expect(await page.locator("[data-actor]").count()).toBeLessThan(60);
    expect(open.problems).toEqual([]);
  });

  it("says what to do when there are no clusters, and shows the first one when it comes", async () => {
    await visit([]);
    await page.getByText("No clusters yet").waitFor();
    hub.put(clusterRow("first"));
    await row("first").waitFor();
  });

  it("follows the system's theme until the reader chooses, and remembers the choice", async () => {
    await visit(fleet(), { dark: true });
    const isDark = () => page.locator("html.pf-v6-theme-dark").count();
    expect(await isDark()).toBe(1);
    await page.getByLabel("Use the light theme").click();
    expect(await isDark()).toBe(0);
    await page.reload();
    await row("alpha").waitFor();
    expect(await isDark()).toBe(0);
  });

  it("keeps the essential columns on a narrow screen", async () => {
    await visit(fleet(), { width: 420 });
    expect(await row("broken").innerText()).toMatch(/broken[\s\S]*Unhealthy[\s\S]*ConnectTimeout[\s\S]*1 h 06 min/);
    const overflow = await page.locator("html").evaluate((html) => html.scrollWidth - html.clientWidth);
    expect(overflow).toBeLessThanOrEqual(0);
  });
});
