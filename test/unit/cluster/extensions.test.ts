// What lies beyond plain Kubernetes: what is asked when, what a failure of each part means, and what is written. The golden part is
// test/unit/cluster/golden-openshift.test.ts.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KubeError } from "../../../src/kube/errors.ts";
import { groupList, openShiftGroups, paths, recorded, type Served, startCollecting } from "./recorded-server.ts";

const plain = [paths.clusterVersion, paths.clusterOperators, paths.console, paths.subscriptions, paths.csvs];
const everyTime = [paths.clusterVersion, paths.clusterOperators];
const olm = [paths.subscriptions, paths.operatorGroups, paths.csvs];
const hang = new KubeError("HEADERS_TIMEOUT", "no response headers from 127.0.0.1:6443 within 5 s");

/** The recorded ones but the one that cannot be read. */
const csvList = recorded("clusterserviceversions") as { items: { spec?: object }[] };
const csvs = { ...csvList, items: csvList.items.filter(({ spec }) => spec !== undefined) };

function startOpenShift(limits = {}, endpoint?: string) {
  const run = startCollecting(limits, endpoint);
  run.server.served.set(paths.groups, openShiftGroups);
  run.server.served.set(paths.csvs, csvs);
  return run;
}

function startPlain() {
  const run = startCollecting();
  for (const path of plain) run.server.served.delete(path);
  run.server.served.set(paths.groups, groupList());
  return run;
}

describe("what is asked when", () => {
  it("a plain cluster costs one small request each scan interval", async () => {
    const { clock, server, collect } = startPlain();
    await collect();
    expect(server.askedBeyond()).toEqual([paths.groups]);
    for (let i = 1; i < 10; i++) {
      await clock.advance(30_000);
      expect((await collect()).missing).toEqual([]);
      expect(server.askedBeyond()).toEqual([]);
    }
    await clock.advance(30_000);
    await collect();
    expect(server.askedBeyond()).toEqual([paths.groups]);
  });

  it.each([403, 404])(
    "so does one that withholds its groups with %d, asked for the parts themselves",
    async (status) => {
      const { clock, server, collect } = startPlain();
      server.served.set(paths.groups, status);
      expect((await collect()).missing).toEqual([]);
      expect(server.askedBeyond()).toEqual([paths.groups, paths.clusterVersion, paths.subscriptions]);
      await clock.advance(30_000);
      await collect();
      expect(server.askedBeyond()).toEqual([]);
      await clock.advance(270_000);
      await collect();
      expect(server.askedBeyond()).toEqual([paths.groups, paths.clusterVersion, paths.subscriptions]);
    },
  );

  it("OpenShift is asked for version and ClusterOperators every time, for the rest each scan interval", async () => {
    const { clock, server, collect } = startOpenShift();
    await collect();
    expect(server.askedBeyond()).toEqual([paths.groups, ...everyTime, ...olm, paths.console]);
    await clock.advance(30_000);
    const { written } = await collect();
    expect(server.askedBeyond()).toEqual(everyTime);
    expect(written.get("cluster:ocp:info")).toMatchObject({ console_url: expect.stringMatching(/^https:/) });
    expect(written.has("cluster:ocp:operators")).toBe(false);
    await clock.advance(269_950);
    await collect();
    expect(server.askedBeyond()).toEqual([paths.groups, ...everyTime, ...olm, paths.console]);
  });

  it("operators come in small pages, without the copies that a cluster-wide one has everywhere", async () => {
    const { server, collect } = startOpenShift();
    await collect();
    expect(server.asked).toContain(`${paths.csvs}?limit=20&labelSelector=!olm.copiedFrom`);
    expect(server.asked).toContain(`${paths.subscriptions}?limit=500`);
  });

  it.each([1, 2])("in pages of %d everything is the same", async (pageSize) => {
    const whole = await startOpenShift().collect();
    const paged = await startOpenShift({ pageSize }).collect();
    expect([...paged.written]).toEqual([...whole.written]);
  });

  it("what appears is found within a scan interval, and what goes is removed once", async () => {
    const { clock, server, collect } = startPlain();
    expect((await collect()).written.get("cluster:ocp:operators")).toBeNull();
    server.served.set(paths.groups, openShiftGroups);
    for (const [path, file] of [
      [paths.clusterVersion, "clusterversion"],
      [paths.clusterOperators, "clusteroperators"],
      [paths.subscriptions, "subscriptions"],
      [paths.csvs, "clusterserviceversions"],
    ] as const) {
      server.served.set(path, recorded(file) as object);
    }
    await clock.advance(30_000);
    expect((await collect()).written.has("cluster:ocp:operators")).toBe(false);
    await clock.advance(300_000);
    const appeared = (await collect()).written;
    expect(appeared.get("cluster:ocp:operators")).toHaveLength(6);
    expect(appeared.get("cluster:ocp:info")).toMatchObject({ platform: "OpenShift" });
    server.served.set(paths.groups, groupList());
    await clock.advance(300_000);
    const gone = (await collect()).written;
    for (const key of ["operators", "operators_summary", "cluster_operators", "cluster_operators_summary"]) {
      expect(gone.get(`cluster:ocp:${key}`)).toBeNull();
    }
    expect(gone.get("cluster:ocp:cluster_operator:dns")).toBeNull();
    expect(gone.get("cluster:ocp:info")).toMatchObject({ platform: "linux/amd64" });
    await clock.advance(30_000);
    const after = (await collect()).written;
    expect([...after.values()]).not.toContain(null);
  });
});

describe("what a failure means", () => {
  it.each([
    [paths.clusterVersion, "clusterversion", "get clusterversions.config.openshift.io"],
    [paths.clusterOperators, "clusteroperators", "list clusteroperators.config.openshift.io"],
    [paths.console, "console", "get routes.route.openshift.io"],
    [paths.csvs, "operators", "list clusterserviceversions.operators.coreos.com"],
    [paths.subscriptions, "operators", "list subscriptions.operators.coreos.com"],
    [paths.operatorGroups, "operators", "list operatorgroups.operators.coreos.com"],
  ])(
    "%s forbidden: the part, the verb and the resource are named, and it is left alone until the next scan",
    async (path, part, what) => {
      const { clock, server, collect } = startOpenShift();
      server.served.set(path, 403);
      const message = `forbidden: the credentials may not ${what}`;
      const expected = [{ part, code: "FORBIDDEN", reason: "Forbidden", message }];
      expect((await collect()).collection.missing).toEqual(expected);
      await clock.advance(30_000);
      expect((await collect()).collection.missing).toEqual(expected);
      expect(server.askedBeyond()).not.toContain(path);
      server.served.delete(path);
      await clock.advance(270_000);
      await collect();
      expect(server.askedBeyond()).toContain(path);
    },
  );

  it("Subscriptions and OperatorGroups forbidden: the operators are told all the same, without what is not known", async () => {
    const { server, collect } = startOpenShift();
    server.served.set(paths.subscriptions, 403);
    server.served.set(paths.operatorGroups, 403);
    const { written, missing } = await collect();
    expect(missing).toEqual(["operators", "operators"]);
    const operators = written.get("cluster:ocp:operators") as object[];
    expect(operators).toHaveLength(6);
    for (const operator of operators) expect(operator).not.toHaveProperty("subscription");
  });

  it.each([paths.subscriptions, paths.operatorGroups, paths.csvs])(
    "%s failing: nothing is written over what is known, and it is asked again at once",
    async (path) => {
      const { clock, server, collect } = startOpenShift();
      const good = server.served.get(path);
      server.served.set(path, 500);
      const failed = await collect();
      expect(failed.missing).toEqual(["operators"]);
      expect(failed.written.has("cluster:ocp:operators")).toBe(false);
      if (good === undefined) server.served.delete(path);
      else server.served.set(path, good);
      await clock.advance(30_000);
      expect((await collect()).written.get("cluster:ocp:operators")).toHaveLength(6);
    },
  );

  it("an empty list clears what is stored, in both kinds", async () => {
    const { server, collect } = startOpenShift();
    server.served.set(paths.csvs, { kind: "ClusterServiceVersionList", items: [] });
    server.served.set(paths.clusterOperators, { kind: "ClusterOperatorList", items: null });
    const { written, missing } = await collect();
    expect(missing).toEqual([]);
    expect(written.get("cluster:ocp:operators")).toEqual([]);
    expect(written.get("cluster:ocp:operators_summary")).toMatchObject({ total: 0, by_status: {} });
    expect(written.get("cluster:ocp:cluster_operators")).toEqual([]);
    expect(written.get("cluster:ocp:cluster_operators_summary")).toMatchObject({ total: 0, has_issues: false });
  });

  it("a ClusterOperator that is gone loses its key, once", async () => {
    const { server, collect } = startOpenShift();
    await collect();
    const list = recorded("clusteroperators") as { items: { metadata: { name: string } }[] };
    const without = { ...list, items: list.items.filter(({ metadata }) => metadata.name !== "dns") };
    server.served.set(paths.clusterOperators, without);
    expect((await collect()).written.get("cluster:ocp:cluster_operator:dns")).toBeNull();
    expect((await collect()).written.has("cluster:ocp:cluster_operator:dns")).toBe(false);
  });

  it("OpenShift that does not tell its version this time keeps what it told", async () => {
    const { server, collect } = startOpenShift();
    await collect();
    server.served.set(paths.clusterVersion, 503);
    const { written, missing, collection } = await collect();
    expect(missing).toEqual(["clusterversion"]);
    expect(written.has("cluster:ocp:info")).toBe(false);
    expect(collection.kubernetesVersion).toBe("v1.30.6");
  });

  it("a server that has no ClusterVersion but the group of ClusterOperators is asked for these", async () => {
    const { server, collect } = startOpenShift();
    server.served.set(paths.clusterVersion, 404);
    const { written, missing } = await collect();
    expect(missing).toEqual([]);
    expect(written.get("cluster:ocp:cluster_operators")).toHaveLength(7);
    expect(written.get("cluster:ocp:info")).toMatchObject({ version: "v1.30.6" });
  });

  it("a request without an answer is the last optional one, and every part that follows is named", async () => {
    const { server, collect } = startOpenShift();
    await collect();
    server.served.set(paths.clusterVersion, hang);
    const { missing, collection } = await collect();
    expect(server.askedBeyond()).toEqual([paths.clusterVersion]);
    expect(missing).toEqual(["clusterversion", "clusteroperators"]);
    expect(collection.metrics.nodes).toBe(4);
  });

  it("namespaces without an answer: a cluster of which nothing is known yet is not asked for more", async () => {
    const { server, collect } = startOpenShift();
    server.served.set(paths.namespaces, hang);
    const { missing, written } = await collect();
    expect(missing).toEqual(["namespaces", "deployments", "apis"]);
    expect(server.askedBeyond()).toEqual([]);
    expect(written.get("cluster:ocp:info")).toMatchObject({ version: "v1.30.6" });
  });

  it("a run that fails or is given up forgets what it found, since nobody stored it", async () => {
    const { server, collect } = startOpenShift();
    const pods = server.served.get(paths.pods) as Served;
    server.served.set(paths.pods, 500);
    await expect(collect()).rejects.toMatchObject({ code: "SERVER_ERROR" });
    server.served.set(paths.pods, pods);
    expect((await collect()).written.get("cluster:ocp:operators")).toHaveLength(6);

    const again = startOpenShift();
    const given = new AbortController();
    again.server.onAsked = (path) => {
      if (path === paths.console) given.abort();
    };
    await again.collect(given.signal).catch(() => undefined);
    expect(again.server.askedBeyond()).toContain(paths.csvs);
    again.server.onAsked = () => undefined;
    expect((await again.collect()).written.get("cluster:ocp:operators")).toHaveLength(6);
  });

  describe("optional parts that are late", () => {
    const deadlineMs = 20_000;
    /** Answers in virtual time: `latencyMs` for each request. */
    function startSlow(latencyMs: (path: string) => number) {
      const run = startCollecting({}, undefined, { deadlineMs });
      run.server.served.set(paths.groups, openShiftGroups);
      run.server.served.set(paths.csvs, csvs);
      run.server.wait = (path, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener("abort", () => reject(new KubeError("ABORTED", "aborted")), { once: true });
          run.clock.setTimer(resolve, latencyMs(path));
        });
      const collectIn = async (ms: number) => {
        let ended: Awaited<ReturnType<typeof run.collect>> | undefined;
        void run.collect().then((end) => {
          ended = end;
        });
        await run.clock.advance(ms);
        return ended;
      };
      return { ...run, collectIn };
    }

    it("are given up in time, and a slow cluster is told all the same", async () => {
      const { collectIn } = startSlow(() => 3_000);
      expect(await collectIn(15_999)).toBeUndefined();
      const { clock, collectIn: again } = startSlow(() => 3_000);
      const ended = await again(16_000);
      expect(ended?.collection.metrics.nodes).toBe(4);
      expect(ended?.collection.missing).toEqual(
        ["clusteroperators", "console", "operators"].map((part) => ({
          part,
          code: "NOT_IN_TIME",
          reason: "NotInTime",
          message: "not read in the time that a collection has: the API server answers slowly",
        })),
      );
      expect(clock.monotonicMs()).toBeLessThan(deadlineMs);
    });

    it("do not end a collection whose nodes are late themselves", async () => {
      const isCritical = (path: string): boolean => path === paths.pods || path === paths.nodes;
      const { collectIn } = startSlow((path) => (isCritical(path) ? 8_500 : 10));
      const ended = await collectIn(18_000);
      expect(ended?.missing).toEqual([]);
      expect(ended?.collection.metrics.nodes).toBe(4);
    });
  });

  it("lists of operators are bounded, at their edge", async () => {
    expect((await startOpenShift({ maxOperators: 8 }).collect()).missing).toEqual([]);
    const { collection } = await startOpenShift({ maxOperators: 6 }).collect();
    expect(collection.missing).toMatchObject([
      { part: "clusteroperators", code: "TOO_MANY_OBJECTS" },
      { part: "operators", code: "TOO_MANY_OBJECTS" },
    ]);
  });
});

describe("the console", () => {
  it.each([404, 403, 500])("whose route answers %d is where OpenShift puts it by convention", async (status) => {
    const { server, collect } = startOpenShift({}, "https://api.ocp.example.com:6443");
    server.served.set(paths.console, status);
    const { written, missing } = await collect();
    expect(written.get("cluster:ocp:info")).toMatchObject({
      console_url: "https://console-openshift-console.apps.ocp.example.com",
    });
    expect(missing).toEqual(status === 404 ? [] : ["console"]);
  });

  it("is left out where there is no convention to go by, and on plain Kubernetes", async () => {
    const { server, collect } = startOpenShift();
    server.served.set(paths.console, 404);
    expect((await collect()).written.get("cluster:ocp:info")).not.toHaveProperty("console_url");
    expect((await startPlain().collect()).written.get("cluster:ocp:info")).not.toHaveProperty("console_url");
  });
});

it("the certificate's end is known where the connection tells it", async () => {
  const { server, collect } = startPlain();
  const { collection, written } = await collect();
  expect(collection.certificateExpiresAtMs).toBeNull();
  expect(written.get("cluster:ocp:info")).not.toHaveProperty("certificate_expires");
  server.certificateExpiresAtMs = Date.parse("2027-01-02T03:04:05Z");
  expect((await collect()).written.get("cluster:ocp:info")).toMatchObject({
    certificate_expires: "2027-01-02T03:04:05Z",
  });
});

it("operators outlive three scans, ClusterOperators three runs", async () => {
  const { collect } = startOpenShift();
  const ttl = new Map(
    (await collect()).documents.map((d) => ["key" in d ? d.key : "", "ttlSeconds" in d ? d.ttlSeconds : 0]),
  );
  expect(ttl.get("cluster:ocp:operators")).toBe(900);
  expect(ttl.get("cluster:ocp:cluster_operators")).toBe(600);
});

describe("property", () => {
  // By name, so that a counterexample is short.
  const bodies: Readonly<Record<string, Served>> = {
    openshift: openShiftGroups,
    olm: groupList("operators.coreos.com"),
    plain: groupList(),
    version: recorded("clusterversion") as object,
    clusterOperators: recorded("clusteroperators") as object,
    noClusterOperators: { kind: "ClusterOperatorList", items: [] },
    route: recorded("route-console") as object,
    subscriptions: recorded("subscriptions") as object,
    groups: { kind: "OperatorGroupList", items: [] },
    csvs,
    odd: {},
    hang,
    403: 403,
    404: 404,
    500: 500,
  };
  const world = fc.record({
    [paths.groups]: fc.constantFrom("openshift", "openshift", "olm", "plain", "404", "403", "500", "hang"),
    [paths.clusterVersion]: fc.constantFrom("version", "version", "404", "403", "500", "odd"),
    [paths.clusterOperators]: fc.constantFrom("clusterOperators", "noClusterOperators", "404", "403"),
    [paths.console]: fc.constantFrom("route", "404", "403", "hang"),
    [paths.subscriptions]: fc.constantFrom("subscriptions", "404", "403", "500"),
    [paths.operatorGroups]: fc.constantFrom("groups", "404", "403"),
    [paths.csvs]: fc.constantFrom("csvs", "404", "403", "hang"),
  });
  const steps = fc.array(fc.tuple(world, fc.constantFrom(0, 30_000, 300_000)), { maxLength: 5 });
  const serve = (run: ReturnType<typeof startCollecting>, served: Readonly<Record<string, string>>): void => {
    for (const [path, name] of Object.entries(served)) run.server.served.set(path, bodies[name] ?? 404);
  };

  it("whatever went before, a collection after a scan interval writes and names what a first one does", async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(steps, world, async (before, last) => {
        // What goes unanswered, or once, is decided by what is known of the server; there a memory knows more, and is to.
        fc.pre(!Object.values(last).includes("hang") && last[paths.groups] !== "500");
        const old = startCollecting();
        for (const [served, waitMs] of before) {
          serve(old, served);
          await old.collect();
          await old.clock.advance(waitMs);
        }
        await old.clock.advance(300_000);
        const fresh = startCollecting();
        await fresh.clock.advance(old.clock.monotonicMs());
        serve(old, last);
        serve(fresh, last);
        const [known, first] = [await old.collect(), await fresh.collect()];
        expect(known.missing).toEqual(first.missing);
        const isTold = (value: unknown): boolean => value !== null && value !== undefined;
        for (const key of new Set([...first.written.keys(), ...known.written.keys()])) {
          if (key === "cluster:ocp:info" || !isTold(first.written.get(key))) continue;
          expect(known.written.get(key), key).toEqual(first.written.get(key));
        }
        const info = known.written.get("cluster:ocp:info") as { console_url?: string } | undefined;
        if (info !== undefined && last[paths.console] !== "403") {
          expect(info).toEqual(first.written.get("cluster:ocp:info"));
        }
        compared++;
      }),
      { numRuns: 60 },
    );
    expect(compared).toBe(60);
  });
});
