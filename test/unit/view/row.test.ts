import { describe, expect, it } from "vitest";
import { clusterTexts, nodeText, type StoredCluster } from "../../../src/view/row.ts";

const nothing: StoredCluster = {
  spec: undefined,
  info: undefined,
  metrics: undefined,
  status: undefined,
  operators: undefined,
  freshness: new Map(),
};
const spec = JSON.stringify({
  displayName: "Plain <One> & Co",
  endpoint: "https://plain:6443",
  credentialsRef: { name: "plain-creds", namespace: "" },
  labels: null,
  monitoring: { interval: 30, timeout: 10 },
  extra: true,
});
const listed = (stored: Partial<StoredCluster>) => JSON.parse(clusterTexts("c", { ...nothing, ...stored }).listed);
const detail = (stored: Partial<StoredCluster>) => JSON.parse(clusterTexts("c", { ...nothing, ...stored }).detail);

describe("the rows of a cluster", () => {
  it("say so when nothing is stored", () => {
    const empty = {
      name: "c",
      spec: {},
      info: {},
      metrics: {},
      status: { health: "unknown", message: "Status unavailable", reason: "Unknown" },
      operator_count: 0,
      asOf: null,
      staleAfter: null,
      partial: false,
      missing: [],
    };
    expect(listed({})).toEqual({ ...empty, accessible: true });
    expect(detail({})).toEqual(empty);
  });

  it("hold what is stored, without the reference to credentials and without a null map", () => {
    const row = listed({
      spec,
      info: '{"api_url":"","version":"v1.33.2","platform":"linux/amd64"}',
      metrics: '{"nodes":3}',
      status: '{"health":"healthy","message":"ok","reason":"Reachable","last_check":"2026-01-02T03:04:05Z"}',
      operators: '[{"name":"a"},{"name":"b"}]',
      freshness: new Map([
        ["as_of", "2026-01-02T03:04:05Z"],
        ["stale_after", "2026-01-02T03:05:05Z"],
        ["missing", '["pods"]'],
      ]),
    });
    expect(row).toEqual({
      name: "c",
      accessible: true,
      spec: {
        displayName: "Plain <One> & Co",
        endpoint: "https://plain:6443",
        labels: {},
        monitoring: { interval: 30, timeout: 10 },
        extra: true,
      },
      info: { api_url: "", version: "v1.33.2", platform: "linux/amd64" },
      metrics: { nodes: 3 },
      status: { health: "healthy", message: "ok", reason: "Reachable", last_check: "2026-01-02T03:04:05Z" },
      operator_count: 2,
      asOf: "2026-01-02T03:04:05Z",
      staleAfter: "2026-01-02T03:05:05Z",
      partial: true,
      missing: ["pods"],
    });
  });

  it("give the cluster's own page an api_url, and keep one that is known", () => {
    expect(detail({ spec, info: '{"api_url":"","version":"v1"}' }).info).toEqual({
      api_url: "https://plain:6443",
      version: "v1",
    });
    expect(detail({ spec }).info).toEqual({ api_url: "https://plain:6443" });
    expect(listed({ spec }).info).toEqual({});
    expect(detail({ spec, info: '{"api_url":"https://own"}' }).info).toEqual({ api_url: "https://own" });
    expect(detail({}).info).toEqual({});
  });

  it("keep numbers exact and pass unknown members on", () => {
    const { listed } = clusterTexts("c", { ...nothing, metrics: '{"memory_capacity":9007199254740993,"new":[1]}' });
    expect(listed).toContain('"metrics":{"memory_capacity":9007199254740993,"new":[1]}');
  });

  it("fit one line", () => {
    const { listed } = clusterTexts("c", { ...nothing, status: '{\n "health":\r\n"healthy",\n"message":"a\\nb"}' });
    expect(listed).not.toMatch(/[\r\n]/);
    expect(JSON.parse(listed).status).toEqual({ health: "healthy", message: "a\nb" });
  });

  it.each(["", "{", "null", "[]", "7", '"text"'])("take %j for missing", (broken) => {
    const stored = { spec: broken, info: broken, metrics: broken, status: broken, operators: broken };
    const freshness = new Map([["missing", broken]]);
    expect(listed({ ...stored, freshness })).toEqual(listed({}));
    expect(nodeText(new Map([["current", broken]]))).toBeUndefined();
  });
});
