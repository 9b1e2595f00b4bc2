import { inspect } from "node:util";
import { errors as undici } from "undici";
import { describe, expect, test } from "vitest";
import { duration, errorFromStatus, mapClientError } from "../../../src/kube/error-mapping.ts";
import { isKubeError, KubeError } from "../../../src/kube/errors.ts";
import { describeRequest } from "../../../src/kube/request-description.ts";
import { ClusterPulseError } from "../../../src/support/errors.ts";

const context = { address: "10.0.0.1:6443", connectTimeoutMs: 3_000, headersTimeoutMs: 5_000, bodyIdleTimeoutMs: 250 };
const secret = "canary-secret";

function nodeError(code: string, syscall?: string): Error {
  return Object.assign(new Error(`${code} ${secret}`), { code, syscall, headers: { authorization: secret } });
}

describe("a foreign error", () => {
  test.each([
    [nodeError("ECONNREFUSED", "connect"), "CONNECTION_REFUSED", "connection refused by 10.0.0.1:6443"],
    [
      nodeError("ECONNRESET", "read"),
      "CONNECTION_RESET",
      "connection closed by 10.0.0.1:6443 before the answer was complete",
    ],
    [nodeError("ETIMEDOUT", "connect"), "CONNECT_TIMEOUT", "no connection to 10.0.0.1:6443 within 3 s"],
    [nodeError("ETIMEDOUT", "read"), "CONNECTION_RESET", "connection to 10.0.0.1:6443 lost: the peer went silent"],
    [nodeError("EHOSTUNREACH", "connect"), "HOST_UNREACHABLE", "no route to 10.0.0.1:6443"],
    [nodeError("EAI_AGAIN", "getaddrinfo"), "DNS_FAILED", "the host name of 10.0.0.1:6443 cannot be resolved"],
    [new undici.HeadersTimeoutError(secret), "HEADERS_TIMEOUT", "no response headers from 10.0.0.1:6443 within 5 s"],
    [new undici.BodyTimeoutError(secret), "BODY_TIMEOUT", "the answer of 10.0.0.1:6443 stalled for 250 ms"],
    [new undici.ClientDestroyedError(secret), "ABORTED", "the transport is closed"],
    [new undici.HTTPParserError(secret), "BODY_MALFORMED", "the answer of 10.0.0.1:6443 is not valid HTTP"],
    [nodeError("ERR_SSL_WRONG_VERSION_NUMBER"), "TLS_FAILED", "TLS with 10.0.0.1:6443 failed: the handshake failed"],
    [nodeError("CERT_REVOKED"), "TLS_FAILED", "TLS with 10.0.0.1:6443 failed: the handshake failed"],
    [nodeError("ESOMETHING"), "REQUEST_FAILED", "the request to 10.0.0.1:6443 failed"],
    [secret, "REQUEST_FAILED", "the request to 10.0.0.1:6443 failed"],
    [null, "REQUEST_FAILED", "the request to 10.0.0.1:6443 failed"],
  ])("%s becomes %s and is not carried along", (foreign, code, message) => {
    const error = mapClientError(foreign, context);
    expect(error).toMatchObject({ code, message });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(secret);
    expect(error.cause).toBeUndefined();
  });

  test("of several addresses counts by its first", () => {
    const aggregate = new AggregateError([nodeError("ECONNREFUSED", "connect"), nodeError("ETIMEDOUT", "connect")]);
    expect(mapClientError(aggregate, context).code).toBe("CONNECTION_REFUSED");
  });

  test("of ours passes unchanged", () => {
    const error = new KubeError("ABORTED", "request aborted");
    expect(mapClientError(error, context)).toBe(error);
  });
});

test("a KubeError belongs to the family, has a CamelCase reason and a short message", () => {
  const error = new KubeError("CONNECT_TIMEOUT", "x".repeat(1_000));
  expect(ClusterPulseError.is(error)).toBe(true);
  expect([error.name, error.reason, error.message.length]).toEqual(["KubeError", "ConnectTimeout", 256]);
  expect([isKubeError(error), isKubeError(error, "ABORTED", "CONNECT_TIMEOUT"), isKubeError(error, "ABORTED")]).toEqual(
    [true, true, false],
  );
});

test.each([
  [307, "REDIRECT_REFUSED", "the server redirects list nodes (307), which is not followed"],
  [400, "UNEXPECTED_STATUS", "the server answered list nodes with status 400"],
  [403, "FORBIDDEN", "forbidden: the credentials may not list nodes"],
  [404, "NOT_FOUND", "not found: list nodes"],
  [503, "SERVER_ERROR", "the server answered list nodes with status 503"],
])("status %i is %s", (status, code, message) => {
  expect(
    errorFromStatus({ httpStatus: status, statusReason: "NoSuchReason" }, "GET", "/api/v1/nodes?limit=5"),
  ).toMatchObject({
    code,
    message,
    httpStatus: status,
    statusReason: undefined,
  });
});

test.each([
  ["GET", "/version", "get /version"],
  ["GET", "/api/v1/nodes", "list nodes"],
  ["GET", "/api/v1/nodes/node-1", "get nodes"],
  ["GET", "/api/v1/namespaces", "list namespaces"],
  ["GET", "/api/v1/namespaces/shop", "get namespaces"],
  ["GET", "/api/v1/namespaces/shop/pods?limit=500", "list pods"],
  ["GET", "/api/v1/pods?watch=true&limit=1", "watch pods"],
  ["GET", "/apis/config.openshift.io/v1/clusterversions/version", "get clusterversions.config.openshift.io"],
  [
    "PATCH",
    "/apis/clusterpulse.io/v1alpha1/namespaces/a/clusterconnections/b/status",
    "patch clusterconnections.clusterpulse.io/status",
  ],
  ["POST", "/api/v1/namespaces/a/secrets", "create secrets"],
  ["GET", `/${"x".repeat(80)}`, "get a path of the server"],
  ["GET", "/api/v1/a b", "get a path of the server"],
])("%s %s is described as: %s", (method, path, words) => {
  expect(describeRequest(method, path)).toBe(words);
});

test("durations read as people write them", () => {
  expect([250, 1_000, 1_500].map(duration)).toEqual(["250 ms", "1 s", "1.5 s"]);
});
