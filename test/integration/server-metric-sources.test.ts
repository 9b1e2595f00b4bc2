// The routes of MetricSources over HTTP, on a real server.
import { afterEach, expect, test } from "vitest";
import type { ViewRow } from "../../src/view/ports.ts";
import { type RunningServer, send, startServer } from "../support/server-harness.ts";

const row = (name: string, revision: number, value: object): ViewRow => ({
  name,
  revision,
  bytes: Buffer.from(JSON.stringify(value)),
});
let server: RunningServer | undefined;
afterEach(async () => {
  await server?.close();
});

test("the list, one source with its definition and clusters, tags that change with any part, and 404", async () => {
  const source = row("team/pods", 1, { name: "pods", namespace: "team", asOf: null });
  let clusters = [row("west", 2, { cluster: "west", aggregations: { total: 3 } })];
  let definition: ViewRow | undefined = row("team/pods", 1, { name: "pods", fields: [] });
  const metricSources = {
    metricSources: () => [source],
    metricSource: (id: string) => (id === "team/pods" ? { row: source, definition, clusters } : undefined),
  };
  server = await startServer({ metricSources });
  const ask = (path: string, headers = {}) => send(server?.port ?? 0, `/api/v1/metricsources${path}`, { headers });

  const list = await ask("");
  expect(list).toMatchObject({ status: 200, headers: { "content-type": "application/json; charset=utf-8" } });
  expect(JSON.parse(list.body)).toEqual([{ name: "pods", namespace: "team", asOf: null }]);
  expect((await ask("", { "if-none-match": String(list.headers["etag"]) })).status).toBe(304);

  const detail = await ask("/team/pods");
  expect(JSON.parse(detail.body)).toEqual({
    name: "pods",
    namespace: "team",
    asOf: null,
    definition: { name: "pods", fields: [] },
    perCluster: [{ cluster: "west", aggregations: { total: 3 } }],
  });
  const tag = { "if-none-match": String(detail.headers["etag"]) };
  expect((await ask("/team/pods", tag)).status).toBe(304);
  clusters = [row("west", 3, { cluster: "west", aggregations: { total: 4 } })];
  expect((await ask("/team/pods", tag)).status).toBe(200);
  clusters = [];
  definition = undefined;
  expect(JSON.parse((await ask("/team/pods")).body)).toMatchObject({ definition: null, perCluster: [] });

  expect(await ask("/team/nothing")).toMatchObject({
    status: 404,
    body: JSON.stringify({ error: "MetricSource 'team/nothing' not found" }),
  });
});

test("a server without MetricSources has none", async () => {
  server = await startServer();
  expect(await send(server.port, "/api/v1/metricsources")).toMatchObject({ status: 200, body: "[]" });
  expect((await send(server.port, "/api/v1/metricsources/a/b")).status).toBe(404);
});
