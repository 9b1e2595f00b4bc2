// Every error of the Redis client becomes one of ours here. A foreign one never gets out: it carries the command and all its
// arguments, values and passwords included, and the server's texts quote them. Only the leading code word is believed.
import { ClusterPulseError } from "../../support/errors.ts";

/** Error replies by their first word. */
const replies: Readonly<Record<string, readonly [code: string, message: string]>> = {
  OOM: ["STORE_FULL", "Redis is at its memory limit and evicts nothing."],
  READONLY: ["STORE_READ_ONLY", "Redis is a read-only replica."],
  LOADING: ["STORE_LOADING", "Redis is still loading its data."],
  BUSY: ["STORE_BUSY", "Redis is busy with a script."],
  WRONGTYPE: ["STORE_WRONG_TYPE", "The key holds a value of another type."],
  WRONGPASS: ["STORE_AUTH", "Redis refused the user or the password."],
  NOAUTH: ["STORE_AUTH", "Redis asks for a password."],
  NOPERM: ["STORE_FORBIDDEN", "Redis forbids this user a command, a key or a channel that the hub needs."],
  MISCONF: ["STORE_READ_ONLY", "Redis refuses writes because it cannot save its data."],
  NOREPLICAS: ["STORE_READ_ONLY", "Redis refuses writes because it has too few replicas."],
  MASTERDOWN: ["STORE_READ_ONLY", "Redis is a replica that has lost its master."],
  NOSCRIPT: ["STORE_NO_SCRIPT", "Redis has forgotten the hub's scripts."],
  MOVED: ["STORE_CLUSTER_MODE", "This is a node of a Redis Cluster, which is not supported."],
  CLUSTERDOWN: ["STORE_CLUSTER_MODE", "This is a node of a Redis Cluster, which is not supported."],
};

/** Error replies without a code word of their own, by a phrase that holds no argument. */
const phrases: readonly (readonly [RegExp, code: string, message: string])[] = [
  [/^ERR (invalid password|AUTH )/, "STORE_AUTH", "Redis refused the user or the password."],
  [/^ERR (DB index|invalid DB)/, "STORE_BAD_DATABASE", "Redis has no database of that number."],
  [/^ERR max number of clients/, "STORE_DOWN", "Redis accepts no more connections."],
  [
    /^ERR unknown (command|subcommand)/i,
    "STORE_UNSUPPORTED",
    "This Redis lacks a command that the hub needs; 6.2 or newer has it.",
  ],
];

/** True for an error that the server answered; false for one of the connection, after which nobody knows what was executed. */
export function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === "ReplyError";
}

/** What may be said of an error of the client. */
export function rewriteRedisError(error: unknown): ClusterPulseError {
  if (ClusterPulseError.is(error)) return error;
  if (!(error instanceof Error)) return new ClusterPulseError("STORE_DOWN", "The connection to Redis failed.");
  return isReply(error) ? rewriteReply(error.message) : rewriteConnectionError(error);
}

/** What may be said of an error that the server answered. */
export function rewriteReply(message: string): ClusterPulseError {
  // Redis before 7 wraps what a script met: "ERR Error running script (...): @user_script:3: WRONGTYPE ...".
  const word = /@user_script: ?\d+: -?([A-Z]+) /.exec(message)?.[1] ?? /^[A-Z]+/.exec(message)?.[0] ?? "";
  const known = Object.hasOwn(replies, word) ? replies[word] : undefined;
  if (known !== undefined) return new ClusterPulseError(...known);
  const phrase = phrases.find(([pattern]) => pattern.test(message));
  if (phrase !== undefined) return new ClusterPulseError(phrase[1], phrase[2]);
  return new ClusterPulseError("STORE_REFUSED", `Redis refused a command (${word.slice(0, 32) || "no code"}).`);
}

function rewriteConnectionError(error: Error): ClusterPulseError {
  if (error.message === "Command timed out") {
    return new ClusterPulseError("STORE_TIMEOUT", "Redis did not answer in time.");
  }
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (/^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO)/.test(code)) {
    return new ClusterPulseError("STORE_TLS", `The TLS connection to Redis failed (${code.slice(0, 64)}).`);
  }
  const detail = /^E[A-Z_]{2,32}$/.test(code) ? ` (${code})` : "";
  return new ClusterPulseError("STORE_DOWN", `There is no connection to Redis${detail}.`);
}
