// The registry client against the recorded vectors, over real HTTP. Correct behaviour is `saneExpected` where a vector has a quirk.
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { createRegistryClient } from "../../src/registry/check.ts";
import { RegistryCredentials } from "../../src/registry/credentials.ts";
import { registryUrl } from "../../src/registry/endpoint.ts";
import { speedHealth } from "../../src/registry/health.ts";
import { systemClock } from "../../src/support/clock.ts";
import { closedPort, httpServer, type TestServer } from "../support/tls-server.ts";

interface Expected {
  readonly available: boolean;
  readonly version: string | null;
  readonly features: Record<string, boolean>;
  readonly repositoryCount: number;
  readonly repositories: string[] | null;
  readonly hasError: boolean;
}
interface Vector {
  readonly name: string;
  readonly op: "check" | "endpoint" | "health";
  readonly client?: { endpoint?: string; insecure?: boolean; username?: string; password?: string };
  readonly responses?: Record<
    string,
    { status: number; headers?: Record<string, string>; body?: unknown; rawBody?: string }
  >;
  readonly networkError?: boolean;
  readonly options?: { checkCatalog: boolean; maxCatalogEntries: number };
  readonly result?: { available: boolean; responseTimeMs: number };
  readonly expected: Expected;
  readonly requests?: readonly object[];
  readonly goQuirk?: boolean;
  readonly saneExpected?: Expected;
}
const file = new URL("../fixtures/vectors/registry.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8")) as { vectors: Vector[] };
const expectedOf = (vector: Vector): Expected => vector.saneExpected ?? vector.expected;

const servers: TestServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

describe("registry vectors", () => {
  // A quirk without a sane result has none to compare with: the catalog's pages are followed here (registry-client.test.ts).
  const checks = vectors.filter(({ op, goQuirk, saneExpected }) => op === "check" && (!goQuirk || saneExpected));
  test.each(checks.map((vector) => [vector.name, vector] as const))("%s", async (_name, vector) => {
    const log: object[] = [];
    const server = await httpServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "/", "http://registry");
      const authorization = request.headers.authorization ?? null;
      log.push({ method: request.method, path: pathname, query: searchParams.toString(), authorization });
      const answer = vector.responses?.[pathname] ?? { status: 404 };
      response.writeHead(answer.status, answer.headers ?? {});
      response.end(answer.rawBody ?? (answer.body === undefined ? "" : JSON.stringify(answer.body)));
    });
    servers.push(server);
    const port = vector.networkError === true ? await closedPort() : server.port;
    const { username, password } = vector.client ?? {};
    const client = createRegistryClient({
      server: `http://127.0.0.1:${port}`,
      skipTlsVerify: false,
      requestTimeoutMs: 20_000,
      keepAliveMs: 1_000,
      userAgent: "test",
      clock: systemClock,
      credentials: new RegistryCredentials({ username, password }),
      credentialsProblem: null,
    });
    const request = {
      healthCheckPaths: [],
      maxCatalogEntries: vector.options?.checkCatalog === true ? vector.options.maxCatalogEntries : undefined,
      canary: undefined,
      reachDeadlineMs: 30_000,
      extraDeadlineMs: 30_000,
    };
    const check = await client.check(request, new AbortController().signal).catch(() => undefined);
    await client.close();
    const expected = expectedOf(vector);
    expect(check !== undefined).toBe(expected.available);
    expect(check === undefined || check.problem !== null).toBe(expected.hasError);
    expect(check?.version ?? "").toBe(expected.version ?? "");
    expect(check?.features ?? {}).toEqual(expected.features);
    expect(check?.catalog?.count ?? 0).toBe(expected.repositoryCount);
    expect(check?.catalog?.names ?? []).toEqual(expected.repositories ?? []);
    if (vector.requests !== undefined) expect(log).toEqual(vector.requests);
  });

  test.each(vectors.filter(({ op }) => op === "endpoint").map((vector) => [vector.name, vector] as const))(
    "%s",
    (_name, vector) => {
      const { endpoint = "", insecure, username, password } = vector.client ?? {};
      const credentials = new RegistryCredentials({ username, password });
      const ours = { endpoint: registryUrl(endpoint, insecure), authorization: credentials.basic ?? null };
      expect(ours).toEqual(expectedOf(vector));
    },
  );

  test.each(vectors.filter(({ op }) => op === "health").map((vector) => [vector.name, vector] as const))(
    "%s",
    (_name, { result, ...vector }) => {
      const { available = false, responseTimeMs = 0 } = result ?? {};
      expect({ health: speedHealth(available, responseTimeMs) }).toEqual(expectedOf(vector as Vector));
    },
  );
});
