// registry.json: checks against a server that answers what the vector says, endpoints, and health by speed.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRegistryClient } from "../../../src/registry/check.ts";
import { RegistryCredentials } from "../../../src/registry/credentials.ts";
import { registryUrl } from "../../../src/registry/endpoint.ts";
import { speedHealth } from "../../../src/registry/health.ts";
import { systemClock } from "../../../src/support/clock.ts";
import { freePort } from "../../support/ports.ts";
import { isSameValue, type Suite } from "./suite.ts";

interface RegistryVector {
  readonly op: "check" | "endpoint" | "health";
  readonly client?: { endpoint?: string; insecure?: boolean; username?: string; password?: string };
  readonly responses?: Record<
    string,
    { status: number; headers?: Record<string, string>; body?: unknown; rawBody?: string }
  >;
  readonly networkError?: boolean;
  readonly options?: { checkCatalog: boolean; maxCatalogEntries: number };
  readonly result?: { available: boolean; responseTimeMs: number };
  readonly requests?: readonly unknown[];
}
interface Answered {
  readonly check: Readonly<Record<string, unknown>>;
  readonly log: readonly unknown[];
}

export const registry: Suite = {
  async run(vector) {
    const { op, client = {}, result, ...rest } = vector as unknown as RegistryVector;
    if (op === "health") {
      return { value: { health: speedHealth(result?.available === true, result?.responseTimeMs ?? 0) } };
    }
    const { endpoint = "", insecure, username, password } = client;
    const credentials = new RegistryCredentials({ username, password });
    if (op === "endpoint") {
      return { value: { endpoint: registryUrl(endpoint, insecure), authorization: credentials.basic ?? null } };
    }
    return { value: await answered(rest, credentials) };
  },
  isSame(expected, actual, { op, requests }) {
    if (op !== "check") return isSameValue(expected, actual);
    const { check, log } = actual as Answered;
    // No repositories and none reported are the same here: nothing that is a list is ever null.
    const { repositories, version, ...others } = expected as Readonly<Record<string, unknown>>;
    const wanted = { ...others, repositories: repositories ?? [], version: version ?? "" };
    return isSameValue(wanted, check) && (requests === undefined || isSameValue(requests, log));
  },
};

async function answered(
  { responses = {}, networkError, options }: Omit<RegistryVector, "op">,
  credentials: RegistryCredentials,
): Promise<Answered> {
  const log: unknown[] = [];
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://registry");
    const authorization = request.headers.authorization ?? null;
    log.push({ method: request.method, path: pathname, query: searchParams.toString(), authorization });
    const { status, headers = {}, body, rawBody } = responses[pathname] ?? { status: 404 };
    response.writeHead(status, headers);
    response.end(rawBody ?? (body === undefined ? "" : JSON.stringify(body)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const port = networkError === true ? await freePort() : (server.address() as AddressInfo).port;
  const close = (): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
  const client = createRegistryClient({
    server: `http://127.0.0.1:${port}`,
    skipTlsVerify: false,
    requestTimeoutMs: 20_000,
    keepAliveMs: 1_000,
    userAgent: "conformance",
    clock: systemClock,
    credentials,
    credentialsProblem: null,
  });
  const request = {
    healthCheckPaths: [],
    maxCatalogEntries: options?.checkCatalog === true ? options.maxCatalogEntries : undefined,
    canary: undefined,
    reachDeadlineMs: 30_000,
    extraDeadlineMs: 30_000,
  };
  const found = await client.check(request, new AbortController().signal).catch(() => undefined);
  await client.close();
  await close();
  const check = {
    available: found !== undefined,
    version: found?.version ?? "",
    features: found?.features ?? {},
    repositoryCount: found?.catalog?.count ?? 0,
    repositories: found?.catalog?.names ?? [],
    hasError: found === undefined || found.problem !== null,
  };
  return { check, log };
}
