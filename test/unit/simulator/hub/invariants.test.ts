// What holds of the hub's API server after any sequence of writes, of every verb and in every mode.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { HubClient, type Obj, type WatchEvent } from "../../../support/hub-client.ts";

const cc = "clusterconnections";
const apply = "application/apply-patch+yaml";
const jsonPatch = "application/json-patch+json";

const connection = (name: string, spec: object, metadata: object = {}) => ({
  apiVersion: "clusterpulse.io/v1alpha1",
  kind: "ClusterConnection",
  metadata: { name, ...metadata },
  spec,
});
const whole = (displayName: string) => ({
  displayName,
  endpoint: "https://127.0.0.1:1",
  credentialsRef: { name: "s" },
});

const names = fc.constantFrom("a", "b", "c");
const text = fc.constantFrom("1", "2");
const operation = fc.record({
  verb: fc.constantFrom(
    ...([
      "create",
      "put",
      "merge",
      "json",
      "apply",
      "force",
      "status",
      "applyStatus",
      "finalize",
      "delete",
      "clear",
    ] as const),
  ),
  name: names,
  text,
  isDry: fc.boolean(),
});
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never;

/** Sends the operation; whether it was accepted. */
function run(client: HubClient, { verb, name, text, isDry }: Operation): boolean {
  const query = (more = ""): string => `${isDry ? "dryRun=All&" : ""}${more}`;
  const send = (...[sent, part]: [Parameters<HubClient["refusal"]>[0], Parameters<HubClient["refusal"]>[2]]): boolean =>
    client.refusal(sent, cc, part) === "accepted";
  switch (verb) {
    case "create":
      return send("create", { body: connection(name, whole(text), { labels: { v: text } }), query: query() });
    case "put": {
      const current = client.call("list", cc).items.find(({ metadata }) => metadata.name === name);
      const { resourceVersion = "1", labels = {} } = current?.metadata ?? {};
      return send("update", { name, body: connection(name, whole(text), { resourceVersion, labels }), query: query() });
    }
    case "merge":
      return send("patch", { name, body: { metadata: { labels: { v: text } } }, query: query() });
    case "json": {
      const body = [{ op: "replace", path: "/spec/displayName", value: text }];
      return send("patch", { name, body, contentType: jsonPatch, query: query() });
    }
    case "apply":
    case "force": {
      const body = connection(name, whole(text));
      const force = verb === "force" ? "&force=true" : "";
      return send("patch", { name, body, contentType: apply, query: query(`fieldManager=m${text}${force}`) });
    }
    case "status":
      return send("patch", { name, subresource: "status", body: { status: { message: text } }, query: query() });
    case "applyStatus": {
      const condition = {
        type: `T${text}`,
        status: "True",
        reason: "R",
        message: "",
        lastTransitionTime: "2026-01-01T00:00:00Z",
      };
      const body = { ...connection(name, {}), spec: undefined, status: { conditions: [condition] } };
      const options = { subresource: "status", contentType: apply, query: query(`fieldManager=s${text}`) };
      return send("patch", { name, body, ...options });
    }
    case "finalize": {
      const finalizers = text === "1" ? ["x/keep"] : [];
      return send("patch", { name, body: { metadata: { finalizers } }, query: query() });
    }
    case "delete":
      return send("delete", { name, query: query() });
    case "clear":
      return send("deletecollection", { query: query(`labelSelector=v%3D${text}`) });
  }
}

const byName = (items: readonly Obj[]): ReadonlyMap<string, Obj> =>
  new Map(items.map((item) => [item.metadata.name, item]));
const listed = (client: HubClient, query = ""): ReadonlyMap<string, Obj> =>
  byName(client.call("list", cc, { query }).items);

describe("after any writes", () => {
  const histories = fc.array(operation, { maxLength: 50 });

  it("generation counts the changes of what is wanted, and nothing else", () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const client = new HubClient();
        for (const step of steps) {
          const before = listed(client).get(step.name);
          run(client, step);
          const after = listed(client).get(step.name);
          if (before === undefined || after === undefined || before.metadata.uid !== after.metadata.uid) {
            if (after !== undefined && after.metadata.uid !== before?.metadata.uid)
              expect(after.metadata.generation).toBe(1);
            continue;
          }
          const isMarked =
            before.metadata.deletionTimestamp === undefined && after.metadata.deletionTimestamp !== undefined;
          const isOther = JSON.stringify(before.spec) !== JSON.stringify(after.spec);
          const counted = (after.metadata.generation ?? 0) - (before.metadata.generation ?? 0);
          expect(counted).toBe(isOther || isMarked ? 1 : 0);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("a dry run, a refusal and a write that changes nothing are no events; everything else is, with a new revision", () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const client = new HubClient();
        const { events } = client.watch(cc, `resourceVersion=${client.revision}`);
        for (const step of steps) {
          const [before, seen, revision] = [listed(client), events.length, client.revision];
          const isAccepted = run(client, step);
          const after = listed(client);
          const isChanged = JSON.stringify([...before]) !== JSON.stringify([...after]);
          expect(events.length > seen).toBe(isChanged);
          expect(client.revision > revision).toBe(isChanged);
          if (step.isDry || !isAccepted) expect(isChanged).toBe(false);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("what is applied again changes nothing, and what is applied and taken back leaves what was there", () => {
    fc.assert(
      fc.property(histories, names, text, (steps, name, value) => {
        const client = new HubClient();
        for (const step of steps) run(client, step);
        const send = (spec: object): string =>
          client.refusal("patch", cc, {
            name,
            body: connection(name, spec, { labels: { applied: value } }),
            contentType: apply,
            query: "fieldManager=last&force=true",
          });
        const isThere = listed(client).has(name);
        const config = { ...whole("applied"), collectorVersion: value };
        if (send(config) !== "accepted") return;
        const { revision } = client;
        expect(send(config)).toBe("accepted");
        expect(client.revision).toBe(revision);
        if (!isThere) return;
        // Fields that nobody else owns go with their last manager.
        const { collectorVersion: _, ...kept } = config;
        expect(send(kept)).toBe("accepted");
        expect(listed(client).get(name)?.spec).not.toHaveProperty("collectorVersion");
      }),
      { numRuns: 60 },
    );
  });

  it("a watch with a selector keeps a replica equal to the list with that selector", () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const client = new HubClient();
        const selector = "labelSelector=v%3D1";
        const replica = new Map<string, Obj>();
        const { events } = client.watch(cc, `resourceVersion=${client.revision}&${selector}`);
        const keep = ({ type, object }: WatchEvent): void => {
          if (type === "ADDED") expect(replica.has(object.metadata.name)).toBe(false);
          else expect(replica.has(object.metadata.name)).toBe(true);
          if (type === "DELETED") replica.delete(object.metadata.name);
          else replica.set(object.metadata.name, object);
        };
        for (const step of steps) {
          const seen = events.length;
          run(client, step);
          for (const event of events.slice(seen)) keep(event);
          expect(byName([...replica.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1)))).toEqual(
            listed(client, selector),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  it("pages of any size are the list of the moment of the first, whatever is written between them", () => {
    fc.assert(
      fc.property(
        histories,
        fc.array(histories, { maxLength: 3 }),
        fc.integer({ min: 1, max: 3 }),
        (steps, between, limit) => {
          const client = new HubClient();
          for (const step of steps) run(client, step);
          const all = client.call("list", cc);
          const pages: Obj[] = [];
          let token: string | undefined;
          do {
            const page = client.call("list", cc, {
              query: `limit=${limit}${token ? `&continue=${encodeURIComponent(token)}` : ""}`,
            });
            expect(page.metadata.resourceVersion).toBe(all.metadata.resourceVersion);
            expect(page.items.length).toBeLessThanOrEqual(limit);
            pages.push(...page.items);
            token = page.metadata.continue;
            for (const step of between.pop() ?? []) run(client, step);
          } while (token);
          expect(pages).toEqual(all.items);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("the same writes make the same bytes", () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const textOf = (): string => {
          const client = new HubClient();
          for (const step of steps) run(client, step);
          return JSON.stringify(client.call("list", cc));
        };
        expect(textOf()).toBe(textOf());
      }),
      { numRuns: 30 },
    );
  });
});
