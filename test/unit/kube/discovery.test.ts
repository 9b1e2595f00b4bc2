import { describe, expect, test } from "vitest";
import { Discovery } from "../../../src/kube/discovery.ts";
import { KubeError } from "../../../src/kube/errors.ts";
import type { GetResponse } from "../../../src/kube/transport.ts";
import { VirtualClock } from "../../../src/support/virtual-clock.ts";

const never = new AbortController().signal;
const aggregatedType = (version: string) =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;

interface Answer {
  readonly type?: string;
  readonly body: unknown;
}

/** A server that answers by path; the others with 404. */
function serving(answers: Readonly<Record<string, Answer | Error>>) {
  const clock = new VirtualClock();
  const asked: string[] = [];
  const get = async (path: string, options: { accept: string }): Promise<GetResponse> => {
    asked.push(options.accept.includes("APIGroupDiscoveryList") ? `${path} aggregated` : path);
    await Promise.resolve();
    const answer = answers[path] ?? new KubeError("NOT_FOUND", "404", { httpStatus: 404 });
    if (answer instanceof Error) throw answer;
    const bytes = new TextEncoder().encode(JSON.stringify(answer.body)) as Uint8Array<ArrayBuffer>;
    return {
      status: 200,
      contentType: answer.type ?? "application/json",
      encoding: "identity",
      bytes,
      headersAfterMs: 1,
    };
  };
  const discovery = new Discovery({ get }, { clock });
  return { clock, asked, discovery, discover: (groupVersion: string) => discovery.discover(groupVersion, never) };
}

const deployments = { name: "deployments", kind: "Deployment", namespaced: true, verbs: ["get", "list", "watch"] };
const nodes = { name: "nodes", kind: "Node", namespaced: false, verbs: ["list"] };
const aggregatedResource = ({ name, kind, namespaced, verbs }: typeof deployments) => ({
  resource: name,
  responseKind: { group: "", version: "v1", kind },
  scope: namespaced ? "Namespaced" : "Cluster",
  verbs,
  subresources: [{ subresource: "status" }],
});
const group = (name: string, version: string, resources: unknown, freshness = "Current") => ({
  metadata: { name, creationTimestamp: null },
  versions: [{ version, freshness, resources }],
});
const modern = {
  "/api": { type: aggregatedType("v2"), body: { items: [group("", "v1", [aggregatedResource(nodes)])] } },
  "/apis": {
    type: aggregatedType("v2beta1"),
    body: { items: [group("apps", "v1", [aggregatedResource(deployments)]), group("batch", "v1", null)] },
  },
};
const legacy = {
  "/apis": { body: { kind: "APIGroupList", groups: [] } },
  "/apis/apps/v1": { body: { resources: [deployments, { ...deployments, name: "deployments/status" }] } },
};

describe("a server with aggregated discovery", () => {
  test("is asked once for each of its two documents, however many groups are wanted at once", async () => {
    const { asked, discover } = serving(modern);
    const found = await Promise.all(["v1", "apps/v1", "batch/v1", "nope/v1", "apps/v1"].map(discover));
    expect(found).toEqual([[nodes], [deployments], [], undefined, [deployments]]);
    expect(asked).toEqual(["/api aggregated", "/apis aggregated"]);
  });

  test("is not asked again before the answers expire; what was missing is looked for sooner", async () => {
    const { asked, clock, discover } = serving(modern);
    await Promise.all([discover("apps/v1"), discover("nope/v1")]);
    await clock.advance(59_000);
    expect([await discover("apps/v1"), await discover("nope/v1"), asked.length]).toEqual([[deployments], undefined, 1]);
    await clock.advance(1_000);
    expect([await discover("apps/v1"), await discover("nope/v1"), asked.length]).toEqual([[deployments], undefined, 2]);
    await clock.advance(540_000);
    expect([await discover("apps/v1"), asked.length]).toEqual([[deployments], 3]);
  });

  test("that could not reach the server behind a group is asked for that group itself", async () => {
    const { asked, discover } = serving({
      "/apis": { type: aggregatedType("v2"), body: { items: [group("apps", "v1", [], "Stale")] } },
      "/apis/apps/v1": { body: { resources: [deployments] } },
    });
    expect(await discover("apps/v1")).toEqual([deployments]);
    expect(asked).toEqual(["/apis aggregated", "/apis/apps/v1"]);
  });
});

describe("a server without it", () => {
  test("is asked group by group, without subresources, and remembered as such", async () => {
    const { asked, clock, discover } = serving(legacy);
    expect([await discover("apps/v1"), await discover("batch/v1")]).toEqual([[deployments], undefined]);
    expect(asked).toEqual(["/apis aggregated", "/apis/apps/v1", "/apis/batch/v1"]);
    await clock.advance(60_000);
    await discover("batch/v1");
    expect(asked.at(-1)).toBe("/apis/batch/v1");
    await clock.advance(600_000);
    await discover("batch/v1");
    expect(asked.slice(-2)).toEqual(["/apis aggregated", "/apis/batch/v1"]);
  });
});

test("failures are not kept", async () => {
  const answers: Record<string, Answer | Error> = {
    "/apis": new KubeError("SERVER_ERROR", "500", { httpStatus: 500 }),
  };
  const { discover } = serving(answers);
  await expect(discover("apps/v1")).rejects.toMatchObject({ code: "SERVER_ERROR" });
  Object.assign(answers, modern);
  expect(await discover("apps/v1")).toEqual([deployments]);
});

test("whoever waits with one that gives up still gets an answer", async () => {
  const { discovery, discover, asked } = serving({ ...legacy, "/apis": new KubeError("ABORTED", "request aborted") });
  const first = discovery.discover("batch/v1", never);
  expect(await discover("apps/v1")).toEqual([deployments]);
  await expect(first).rejects.toMatchObject({ code: "ABORTED" });
  expect(asked).toEqual(["/apis aggregated", "/apis/apps/v1"]);
});

test("forgetting asks anew", async () => {
  const { asked, discovery, discover } = serving(modern);
  await discover("v1");
  discovery.forget();
  await discover("v1");
  expect(asked).toHaveLength(2);
});

test("keeps at most 256 groups", async () => {
  const { asked, discover } = serving({ "/apis": { type: aggregatedType("v2"), body: { items: [] } } });
  for (let i = 0; i < 257; i++) await discover(`g${i}/v1`);
  await discover("g256/v1");
  expect(asked).toHaveLength(257);
  await discover("g0/v1");
  expect(asked).toHaveLength(258);
});

test.each(["", "v1/", "/v1", "a/b/c", "apps/v1?x=1", "../v1", "apps/v1#", "Apps/v1", "a b/v1"])(
  "%j is no group and version",
  async (name) => {
    const { asked, discover } = serving(modern);
    await expect(discover(name)).rejects.toMatchObject({ code: "INVALID_INPUT" });
    expect(asked).toEqual([]);
  },
);

test.each([
  [{ items: "x" }, "BODY_MALFORMED"],
  [{ items: [group("apps", "v1", "x")] }, "BODY_MALFORMED"],
  [
    {
      items: [
        group(
          "apps",
          "v1",
          Array.from({ length: 2_001 }, () => aggregatedResource(nodes)),
        ),
      ],
    },
    "TOO_MANY_OBJECTS",
  ],
])("a document that is none, or far too large, is refused (%#)", async (body, code) => {
  const { discover } = serving({ "/apis": { type: aggregatedType("v2"), body } });
  await expect(discover("apps/v1")).rejects.toMatchObject({ code });
});

test("entries that make no sense are left out", async () => {
  const resources = [
    null,
    7,
    { resource: "a" },
    { resource: "", responseKind: { kind: "B" } },
    aggregatedResource(nodes),
  ];
  const body = { items: [null, { versions: [{}] }, group("apps", "v1", resources)] };
  const { discover } = serving({ "/apis": { type: aggregatedType("v2"), body } });
  expect(await discover("apps/v1")).toEqual([nodes]);
});
