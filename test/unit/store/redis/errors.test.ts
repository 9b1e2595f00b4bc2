import { describe, expect, it } from "vitest";
import { rewriteRedisError } from "../../../../src/store/redis/errors.ts";
import { ClusterPulseError } from "../../../../src/support/errors.ts";

function reply(message: string): Error {
  const error = Object.assign(new Error(message), { command: { name: "set", args: ["key", "canary"] } });
  error.name = "ReplyError";
  return error;
}

describe("errors of the Redis client", () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'. canary", "STORE_FULL"],
    ["READONLY You can't write against a read only replica. canary", "STORE_READ_ONLY"],
    ["MISCONF Redis is configured to save RDB snapshots canary", "STORE_READ_ONLY"],
    ["NOREPLICAS Not enough good replicas to write. canary", "STORE_READ_ONLY"],
    ["MASTERDOWN Link with MASTER is down canary", "STORE_READ_ONLY"],
    ["LOADING Redis is loading the dataset in memory canary", "STORE_LOADING"],
    ["BUSY Redis is busy running a script. canary", "STORE_BUSY"],
    ["WRONGTYPE Operation against a key canary", "STORE_WRONG_TYPE"],
    ["ERR Error running script (call to f_1): @user_script:3: WRONGTYPE Operation canary", "STORE_WRONG_TYPE"],
    ["ERR Error running script (call to f_1): @user_script: 9: -OOM command canary", "STORE_FULL"],
    ["WRONGPASS invalid username-password pair canary", "STORE_AUTH"],
    ["NOAUTH Authentication required. canary", "STORE_AUTH"],
    ["ERR invalid password canary", "STORE_AUTH"],
    ["NOPERM this user has no permissions canary", "STORE_FORBIDDEN"],
    ["NOSCRIPT No matching script. canary", "STORE_NO_SCRIPT"],
    ["MOVED 3999 canary:6381", "STORE_CLUSTER_MODE"],
    ["CLUSTERDOWN The cluster is down canary", "STORE_CLUSTER_MODE"],
    ["ERR DB index is out of range canary", "STORE_BAD_DATABASE"],
    ["ERR max number of clients reached canary", "STORE_DOWN"],
    ["ERR unknown command 'canary', with args beginning with: 'canary'", "STORE_UNSUPPORTED"],
    ["ERR something canary", "STORE_REFUSED"],
    ["canary", "STORE_REFUSED"],
    ["CONSTRUCTOR canary", "STORE_REFUSED"],
  ])("%s: %s", (message, code) => {
    const error = rewriteRedisError(reply(message));
    expect(error).toBeInstanceOf(ClusterPulseError);
    expect(error.code).toBe(code);
    expect(JSON.stringify([error, error.message, error.stack])).not.toContain("canary");
  });

  it.each([
    [Object.assign(new Error("connect ECONNREFUSED canary"), { code: "ECONNREFUSED" }), "STORE_DOWN", "ECONNREFUSED"],
    [Object.assign(new Error("canary"), { code: "ENOTFOUND" }), "STORE_DOWN", "ENOTFOUND"],
    [Object.assign(new Error("canary"), { code: "SELF_SIGNED_CERT_IN_CHAIN" }), "STORE_TLS", "SELF_SIGNED"],
    [Object.assign(new Error("canary"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" }), "STORE_TLS", "ALTNAME"],
    [new Error("Command timed out"), "STORE_TIMEOUT", "in time"],
    [new Error("Stream isn't writeable and enableOfflineQueue options is false"), "STORE_DOWN", "no connection"],
    [Object.assign(new Error("x"), { code: "canary canary" }), "STORE_DOWN", "no connection"],
    ["canary", "STORE_DOWN", "failed"],
  ])("of the connection: %s", (foreign, code, part) => {
    const error = rewriteRedisError(foreign);
    expect(error.code).toBe(code);
    expect(error.message).toContain(part);
    expect(JSON.stringify([error, error.message])).not.toContain("canary");
  });

  it("leaves ours as they are", () => {
    const ours = new ClusterPulseError("STORE_CLOSED", "closed");
    expect(rewriteRedisError(ours)).toBe(ours);
  });
});
