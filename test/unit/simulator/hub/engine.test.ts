// The hub's API server without its sockets: writing rules, watches in virtual time, and one property over random histories.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HubClient, type Obj, type WatchEvent } from "../../../support/hub-client.ts";

const connection = (name: string, extra: Record<string, unknown> = {}, spec: Record<string, unknown> = {}) => ({
  apiVersion: "clusterpulse.io/v1alpha1",
  kind: "ClusterConnection",
  metadata: { name, ...extra },
  spec: { endpoint: "https://127.0.0.1:6443", credentialsRef: { name: "s" }, ...spec },
});

const cc = "clusterconnections";

describe("writes", () => {
  it("create with uid, generation 1 and a revision, once", () => {
    const client = new HubClient();
    const created = client.call("create", cc, { body: { ...connection("a"), status: { phase: "x" } } });
    expect(created.metadata).toMatchObject({ name: "a", namespace: "team", generation: 1 });
    expect(created.metadata.uid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(created.metadata.resourceVersion).toBe(String(client.revision));
    expect(created.status).toBeUndefined();
    expect(client.refusal("create", cc, { body: connection("a") })).toBe("409 AlreadyExists");
  });

  it("refuse bodies that are not for their path", () => {
    const client = new HubClient();
    const refusal = (body: unknown): string => client.refusal("create", cc, { body });
    expect(refusal({ ...connection("a"), kind: "Secret" })).toBe("400 BadRequest");
    expect(refusal({ ...connection("a"), apiVersion: "v1" })).toBe("400 BadRequest");
    expect(refusal(connection("a", { namespace: "other" }))).toBe("400 BadRequest");
    expect(refusal(connection("Not_A_Name"))).toBe("422 Invalid");
    expect(refusal(connection(""))).toBe("422 Invalid");
    expect(refusal(connection("a", { labels: { a: 1 } }))).toBe("400 BadRequest");
    expect(refusal(connection("a", { resourceVersion: "5" }))).toBe("400 BadRequest");
    expect(refusal([])).toBe("400 BadRequest");
    expect(client.refusal("create", cc, { body: connection("a"), namespace: "nowhere" })).toBe("404 NotFound");
    client.send("create", cc, { body: connection("a") });
    expect(client.refusal("update", cc, { name: "a", body: connection("b") })).toBe("400 BadRequest");
  });

  it("give names to objects that ask for one", () => {
    const client = new HubClient();
    const body = { metadata: { generateName: "job-" } };
    const names = [1, 2, 3].map(() => client.call("create", "configmaps", { body }).metadata.name);
    for (const name of names) expect(name).toMatch(/^job-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(new Set(names).size).toBe(3);
  });

  it("update only on the newest revision, and status only through its own door", () => {
    const client = new HubClient();
    const first = client.call("create", cc, { body: connection("a") });
    const { resourceVersion } = first.metadata;
    const body = { ...connection("a", { resourceVersion }, { displayName: "A" }), status: { phase: "Lie" } };
    const second = client.call("update", cc, { name: "a", body });
    expect(second.metadata.generation).toBe(2);
    expect(second.status).toBeUndefined();
    expect(client.refusal("update", cc, { name: "a", body })).toBe("409 Conflict");

    const patch = { spec: { displayName: "B" }, status: { phase: "Connected" }, metadata: { labels: { x: "y" } } };
    const third = client.call("patch", cc, { name: "a", subresource: "status", body: patch });
    expect(third).toMatchObject({ spec: { displayName: "A" }, status: { phase: "Connected" } });
    expect(third.metadata.generation).toBe(2);
    expect(third.metadata.labels).toBeUndefined();

    const labelled = client.call("patch", cc, { name: "a", body: { metadata: { labels: { x: "y" } } } });
    expect(labelled).toMatchObject({ metadata: { generation: 2, labels: { x: "y" } }, status: { phase: "Connected" } });
    const stale = { metadata: { resourceVersion }, status: { phase: "Old" } };
    expect(client.refusal("patch", cc, { name: "a", subresource: "status", body: stale })).toBe("409 Conflict");
    const unversioned = { ...connection("a"), status: { phase: "Put" } };
    expect(client.refusal("update", cc, { name: "a", body: unversioned })).toBe("422 Invalid");
    const { resourceVersion: newest } = labelled.metadata;
    const replaced = { ...connection("a", { resourceVersion: newest }), status: { phase: "Put" } };
    expect(client.call("update", cc, { name: "a", subresource: "status", body: replaced })).toMatchObject({
      status: { phase: "Put" },
      spec: { displayName: "A" },
    });
  });

  it("change nothing and tell nobody when nothing changes", () => {
    const client = new HubClient();
    client.send("create", cc, { body: connection("a") });
    const status = { name: "a", subresource: "status", body: { status: { phase: "Connected" } } };
    const before = client.call("patch", cc, status);
    const watch = client.watch(cc, `resourceVersion=${client.revision}`);
    expect(client.call("patch", cc, status)).toEqual(before);
    expect(client.call("update", cc, { name: "a", body: before })).toEqual(before);
    expect(client.call("patch", cc, { name: "a", body: {} })).toEqual(before);
    expect(watch.events).toEqual([]);
    watch.stop();
  });

  it("do everything but store on a dry run", () => {
    const client = new HubClient();
    const { revision } = client;
    const query = "dryRun=All";
    expect(client.call("create", cc, { body: connection("a"), query }).metadata.name).toBe("a");
    expect(client.refusal("get", cc, { name: "a" })).toBe("404 NotFound");
    client.send("create", cc, { body: connection("a") });
    client.send("patch", cc, { name: "a", body: { spec: { displayName: "A" } }, query });
    client.send("delete", cc, { name: "a", query });
    client.send("delete", cc, { name: "a", body: { dryRun: ["All"] } });
    expect(client.revision).toBe(revision + 1);
  });

  it("take merge patches and JSON patches and refuse others", () => {
    const client = new HubClient();
    client.send("create", cc, { body: connection("a", {}, { labels: { env: "dev", tier: "1" } }) });
    const body = { spec: { labels: { env: null, tier: "2" }, monitoring: { interval: 30 } } };
    expect(client.call("patch", cc, { name: "a", body }).spec).toMatchObject({
      labels: { tier: "2" },
      monitoring: { interval: 30 },
    });
    const json = (operation: object) => ({ name: "a", body: [operation], contentType: "application/json-patch+json" });
    const replaced = client.call("patch", cc, json({ op: "replace", path: "/spec/labels/tier", value: "3" }));
    expect(replaced.spec).toMatchObject({ labels: { tier: "3" } });
    expect(client.refusal("patch", cc, json({ op: "test", path: "/spec/labels/tier", value: "4" }))).toBe(
      "422 Invalid",
    );
    const strategic = { name: "a", body: {}, contentType: "application/strategic-merge-patch+json" };
    expect(client.refusal("patch", cc, strategic)).toBe("415 UnsupportedMediaType");
    const nameless = { name: "a", body: { metadata: { name: "b" } } };
    expect(client.refusal("patch", cc, nameless)).toBe("400 BadRequest");
    const polluting = JSON.parse('{"spec":{"__proto__":{"polluted":true}}}') as unknown;
    client.send("patch", cc, { name: "a", body: polluting });
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("keep an object with finalizers until the last one is gone", () => {
    const client = new HubClient();
    client.send("create", cc, { body: connection("a", { finalizers: ["x/one", "x/two"] }) });
    const watch = client.watch(cc, `resourceVersion=${client.revision}`);
    const going = client.call("delete", cc, { name: "a" });
    expect(going.metadata.deletionTimestamp).toBe("2026-01-01T00:00:00Z");
    expect(going.metadata.generation).toBe(2);
    client.send("delete", cc, { name: "a" });
    const finalizers = (list: string[]) => ({ name: "a", body: { metadata: { finalizers: list } } });
    expect(client.refusal("patch", cc, finalizers(["x/one", "x/three"]))).toBe("422 Invalid");
    client.send("patch", cc, finalizers(["x/two"]));
    client.send("patch", cc, finalizers([]));
    expect(client.refusal("get", cc, { name: "a" })).toBe("404 NotFound");
    expect(watch.events.map((event) => event.type)).toEqual(["MODIFIED", "MODIFIED", "DELETED"]);
    watch.stop();
  });

  it("refuse options that there are not", () => {
    const client = new HubClient();
    const refused = (query: string) => client.failure("create", cc, { body: connection("a"), query }).details.causes;
    const cause = (field: string) => [expect.objectContaining({ reason: "FieldValueNotSupported", field })];
    expect(refused("dryRun=Some")).toEqual(cause("dryRun"));
    expect(refused("fieldValidation=Maybe")).toEqual(cause("fieldValidation"));
  });

  it("delete under preconditions", () => {
    const client = new HubClient();
    const { uid } = client.call("create", cc, { body: connection("a") }).metadata;
    const wrong = { name: "a", body: { preconditions: { uid: "other" } } };
    expect(client.refusal("delete", cc, wrong)).toBe("409 Conflict");
    expect(client.call("delete", cc, { name: "a", body: { preconditions: { uid } } })).toMatchObject({
      kind: "Status",
      status: "Success",
      details: { name: "a", kind: cc, uid },
    });
  });

  it("fold stringData of a Secret into data", () => {
    const client = new HubClient();
    const body = { metadata: { name: "s" }, data: { a: "eA==" }, stringData: { token: "t" } };
    const secret = client.call("create", "secrets", { body });
    expect(secret).toMatchObject({ kind: "Secret", type: "Opaque", data: { a: "eA==", token: "dA==" } });
    expect(secret).not.toHaveProperty("stringData");
    const broken = { metadata: { name: "t" }, data: { a: "%" } };
    expect(client.refusal("create", "secrets", { body: broken })).toBe("400 BadRequest");
  });
});

describe("lists", () => {
  it("leave kind and apiVersion out of built-in items and in custom ones", () => {
    const client = new HubClient();
    client.send("create", cc, { body: connection("a") });
    client.send("create", "secrets", { body: { metadata: { name: "s" } } });
    expect(client.call("list", cc).items[0]).toMatchObject({ kind: "ClusterConnection" });
    const secrets = client.call("list", "secrets");
    expect(secrets.kind).toBe("SecretList");
    expect(secrets.items[0]).not.toHaveProperty("kind");
    expect(secrets.items[0]).not.toHaveProperty("apiVersion");
    expect(secrets.items[0]?.metadata.name).toBe("s");
  });

  it("show in every page the moment of the first, and expire", () => {
    const client = new HubClient();
    for (const name of ["a", "b", "c", "d", "e"]) client.send("create", cc, { body: connection(name) });
    const names = (page: { items: Obj[] }): string[] => page.items.map((item) => item.metadata.name);
    const first = client.call("list", cc, { query: "limit=2" });
    client.send("delete", cc, { name: "d" });
    client.send("create", cc, { body: connection("bb") });
    const second = client.call("list", cc, { query: `limit=2&continue=${first.metadata.continue}` });
    const third = client.call("list", cc, { query: `limit=2&continue=${second.metadata.continue}` });
    expect([names(first), names(second), names(third)]).toEqual([["a", "b"], ["c", "d"], ["e"]]);
    expect(third.metadata.resourceVersion).toBe(first.metadata.resourceVersion);
    expect(third.metadata.continue).toBe("");
  });

  it("are shown as they were, as far back as the history reaches; beyond, a page says how to go on", () => {
    const client = new HubClient(5);
    for (const name of ["a", "b", "c"]) client.send("create", cc, { body: connection(name) });
    const { revision } = client;
    const names = (page: { items: Obj[] }): string[] => page.items.map((item) => item.metadata.name);
    const first = client.call("list", cc, { query: "limit=1" });
    client.send("delete", cc, { name: "b" });
    client.send("create", cc, { body: connection("aa") });
    const exact = `resourceVersion=${revision}&resourceVersionMatch=Exact`;
    const then = client.call("list", cc, { query: exact });
    expect([names(then), then.metadata.resourceVersion]).toEqual([["a", "b", "c"], String(revision)]);
    expect(names(client.call("list", cc, { query: `resourceVersion=${revision}` }))).toEqual(["a", "aa", "c"]);
    for (let i = 0; i < 10; i++) client.send("patch", cc, { name: "c", body: { metadata: { labels: { i: `${i}` } } } });
    expect(client.refusal("list", cc, { query: exact })).toBe("410 Expired");
    const expired = client.failure("list", cc, { query: `limit=1&continue=${first.metadata.continue}` });
    expect(expired).toMatchObject({ status: 410, reason: "Expired", metadata: { continue: expect.any(String) } });
    const rest = client.call("list", cc, { query: `limit=1&continue=${expired.metadata.continue}` });
    expect([names(rest), rest.metadata.resourceVersion]).toEqual([["aa"], String(client.revision)]);
    expect(names(client.call("list", cc, { query: `continue=${rest.metadata.continue}` }))).toEqual(["c"]);
  });

  it("refuse parameters that do not go together", () => {
    const client = new HubClient();
    const refused = (query: string, verb: "list" | "watch" = "list") => client.failure(verb, cc, { query }).message;
    const token = client.call("list", "namespaces", { query: "limit=1" }).metadata.continue;
    expect(refused("resourceVersionMatch=Exact")).toContain("is forbidden unless resourceVersion is provided");
    expect(refused("resourceVersion=0&resourceVersionMatch=Exact")).toContain(
      '"exact" is forbidden for resourceVersion "0"',
    );
    expect(refused("resourceVersion=1&resourceVersionMatch=Never")).toContain('Unsupported value: "Never"');
    expect(refused(`resourceVersion=1&resourceVersionMatch=Exact&continue=${token}`)).toContain(
      "when continue is provided",
    );
    expect(refused(`resourceVersion=1&continue=${token}`)).toContain("not allowed when using continue");
    expect(refused("sendInitialEvents=true")).toContain("sendInitialEvents is forbidden for list");
    expect(refused("sendInitialEvents=true", "watch")).toContain(
      "requires setting resourceVersionMatch to NotOlderThan",
    );
    expect(refused("resourceVersionMatch=NotOlderThan", "watch")).toContain(
      "forbidden for watch unless sendInitialEvents",
    );
    expect(refused("continue=nonsense")).toContain("continue key is not valid");
  });

  it("are selected by labels and names", () => {
    const client = new HubClient();
    const labelled = (name: string, labels: Record<string, string>) =>
      client.send("create", cc, { body: connection(name, { labels }) });
    labelled("a", { env: "prod", tier: "1" });
    labelled("b", { env: "dev" });
    labelled("c", {});
    const names = (query: string): string[] =>
      client.call("list", cc, { query: new URLSearchParams(query).toString() }).items.map((item) => item.metadata.name);
    expect(names("labelSelector=env=prod")).toEqual(["a"]);
    expect(names("labelSelector=env!=prod")).toEqual(["b", "c"]);
    expect(names("labelSelector=env in (prod, dev),tier")).toEqual(["a"]);
    expect(names("labelSelector=env notin (prod)")).toEqual(["b", "c"]);
    expect(names("labelSelector=!env")).toEqual(["c"]);
    expect(names("fieldSelector=metadata.name=b")).toEqual(["b"]);
    expect(names("fieldSelector=metadata.name!=b,metadata.namespace=team")).toEqual(["a", "c"]);
    expect(client.refusal("list", cc, { query: "fieldSelector=spec.x=1" })).toBe("400 BadRequest");
    expect(client.refusal("list", cc, { query: "labelSelector=a%3D%3D%3D" })).toBe("400 BadRequest");
  });
});

describe("watches", () => {
  it("begin with the newest state, or after the revision given", () => {
    const client = new HubClient();
    client.send("create", cc, { body: connection("a") });
    const { revision } = client;
    client.send("create", cc, { body: connection("b") });
    const fromStart = client.watch(cc, "resourceVersion=0");
    const fromNothing = client.watch(cc, "");
    const fromRevision = client.watch(cc, `resourceVersion=${revision}`);
    client.send("delete", cc, { name: "a" });
    const seen = ({ events }: { events: WatchEvent[] }): string[] =>
      events.map((event) => `${event.type} ${event.object.metadata.name}`);
    expect(seen(fromStart)).toEqual(["ADDED a", "ADDED b", "DELETED a"]);
    expect(seen(fromNothing)).toEqual(["ADDED a", "ADDED b", "DELETED a"]);
    expect(seen(fromRevision)).toEqual(["ADDED b", "DELETED a"]);
    expect(fromRevision.events[1]?.object.metadata.resourceVersion).toBe(String(client.revision));
    expect(client.refusal("watch", cc, { query: "resourceVersion=99999" })).toBe("504 Timeout");
    for (const watch of [fromStart, fromNothing, fromRevision]) watch.stop();
  });

  it("end with an error when the history no longer reaches back", () => {
    const client = new HubClient(5);
    const { revision } = client;
    client.send("create", cc, { body: connection("a") });
    const label = (i: number) => ({ name: "a", body: { metadata: { labels: { i: String(i) } } } });
    for (let i = 0; i < 20; i++) client.send("patch", cc, label(i));
    const late = client.watch(cc, `resourceVersion=${revision}`);
    expect(late.events).toHaveLength(1);
    expect(late.events[0]).toMatchObject({ type: "ERROR", object: { kind: "Status", code: 410, reason: "Expired" } });
    expect(late.ended()).toBe(true);
    const inTime = client.watch(cc, `resourceVersion=${client.revision - 4}`);
    expect(inTime.events).toHaveLength(4);
    inTime.stop();
  });

  it("show what enters and leaves a selection", () => {
    const client = new HubClient();
    client.send("create", cc, { body: connection("a", { labels: { env: "dev" } }) });
    const watch = client.watch(cc, `resourceVersion=${client.revision}&labelSelector=env%3Dprod`);
    const label = (env: string) => client.send("patch", cc, { name: "a", body: { metadata: { labels: { env } } } });
    label("prod");
    client.send("patch", cc, { name: "a", body: { spec: { displayName: "A" } } });
    label("dev");
    client.send("delete", cc, { name: "a" });
    expect(watch.events.map((event) => [event.type, event.object.metadata.labels?.["env"]])).toEqual([
      ["ADDED", "prod"],
      ["MODIFIED", "prod"],
      ["DELETED", "prod"],
    ]);
    expect(Number(watch.events[2]?.object.metadata.resourceVersion)).toBe(client.revision - 1);
    watch.stop();
  });

  it("send bookmarks every minute and before the end, and end in time", async () => {
    const client = new HubClient();
    const watch = client.watch(cc, `resourceVersion=${client.revision}&allowWatchBookmarks=true&timeoutSeconds=90`);
    const silent = client.watch(cc, `resourceVersion=${client.revision}&timeoutSeconds=90`);
    await client.clock.advance(59_999);
    expect(watch.events).toHaveLength(0);
    client.send("create", "configmaps", { body: { metadata: { name: "c" } } });
    await client.clock.advance(1);
    expect(watch.events).toEqual([
      {
        type: "BOOKMARK",
        object: {
          kind: "ClusterConnection",
          apiVersion: "clusterpulse.io/v1alpha1",
          metadata: { resourceVersion: String(client.revision) },
        },
      },
    ]);
    await client.clock.advance(28_000);
    expect(watch.events).toHaveLength(2);
    expect(watch.ended()).toBe(false);
    await client.clock.advance(2_000);
    expect([watch.ended(), silent.ended()]).toEqual([true, true]);
    expect([watch.events.length, silent.events.length]).toEqual([2, 0]);
    client.send("create", cc, { body: connection("late") });
    expect(watch.events).toHaveLength(2);
  });

  it("stream the initial state up to an annotated bookmark when asked to", () => {
    const client = new HubClient();
    client.send("create", cc, { body: connection("a") });
    const query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const watch = client.watch(cc, query);
    client.send("create", cc, { body: connection("b") });
    expect(watch.events.map((event) => event.type)).toEqual(["ADDED", "BOOKMARK", "ADDED"]);
    expect(watch.events[1]?.object.metadata.annotations).toEqual({ "k8s.io/initial-events-end": "true" });
    watch.stop();
    expect(client.refusal("watch", cc, { query: "sendInitialEvents=true" })).toBe("422 Invalid");
  });
});

// Random histories: whoever lists once and replays the watch from there has the store; revisions rise by event, and a write that
// changes nothing is no event.
describe("any history", () => {
  const names = fc.constantFrom("a", "b", "c", "d");
  const value = fc.constantFrom("1", "2");
  const operation = fc.oneof(
    fc.record({ op: fc.constant("create" as const), name: names, value }),
    fc.record({ op: fc.constant("label" as const), name: names, value }),
    fc.record({ op: fc.constant("spec" as const), name: names, value }),
    fc.record({ op: fc.constant("status" as const), name: names, value }),
    fc.record({ op: fc.constant("finalize" as const), name: names, value: fc.constantFrom("", "x/keep") }),
    fc.record({ op: fc.constant("put" as const), name: names, value }),
    fc.record({ op: fc.constant("delete" as const), name: names, value }),
  );

  const run = (client: HubClient, { op, name, value: text }: { op: string; name: string; value: string }): void => {
    switch (op) {
      case "create":
        return void client.refusal("create", cc, { body: connection(name, {}, { displayName: text }) });
      case "label":
        return void client.refusal("patch", cc, { name, body: { metadata: { labels: { v: text } } } });
      case "spec":
        return void client.refusal("patch", cc, { name, body: { spec: { displayName: text } } });
      case "status":
        return void client.refusal("patch", cc, { name, subresource: "status", body: { status: { phase: text } } });
      case "finalize":
        return void client.refusal("patch", cc, {
          name,
          body: { metadata: { finalizers: text === "" ? [] : [text] } },
        });
      case "put":
        return void client.refusal("update", cc, { name, body: connection(name, {}, { displayName: text }) });
      case "delete":
        return void client.refusal("delete", cc, { name });
    }
  };

  const contentOf = (object: Obj): string => {
    const { resourceVersion: _revision, ...metadata } = object.metadata;
    return JSON.stringify({ ...object, metadata });
  };

  it("is told in full by a list and its watch", () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 20 }), fc.array(operation, { maxLength: 60 }), (before, after) => {
        const client = new HubClient();
        for (const step of before) run(client, step);
        const list = client.call("list", cc);
        const start = list.metadata.resourceVersion;
        const live = client.watch(cc, `resourceVersion=${start}`);
        for (const step of after) {
          const { revision } = client;
          const events = live.events.length;
          run(client, step);
          expect(client.revision - revision).toBe(live.events.length - events);
        }
        live.stop();
        const resumed = client.watch(cc, `resourceVersion=${start}`);
        resumed.stop();
        expect(resumed.events).toEqual(live.events);

        const replica = new Map(list.items.map((item) => [item.metadata.name, item]));
        let revision = Number(start);
        for (const { type, object } of live.events) {
          expect(Number(object.metadata.resourceVersion)).toBeGreaterThan(revision);
          revision = Number(object.metadata.resourceVersion);
          const known = replica.get(object.metadata.name);
          if (type === "ADDED") expect(known).toBeUndefined();
          else expect(known).toBeDefined();
          if (type === "MODIFIED") expect(contentOf(object)).not.toBe(contentOf(known as Obj));
          if (type === "DELETED") replica.delete(object.metadata.name);
          else replica.set(object.metadata.name, object);
        }
        const final = client.call("list", cc).items;
        expect([...replica.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))).toEqual(final);
        for (const item of final) {
          expect(client.call("get", cc, { name: item.metadata.name })).toEqual(item);
        }
      }),
      { numRuns: 150 },
    );
  });
});
