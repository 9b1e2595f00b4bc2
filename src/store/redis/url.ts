// Where a Redis is and how to log in to it, from one URL. Pure. No message ever holds the URL: it may carry the password.
import { InvalidInputError } from "../../support/errors.ts";

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  /** Certificates are verified against the runtime's authorities; a private one is added with NODE_EXTRA_CA_CERTS. */
  readonly tls: boolean;
  /** Of an ACL user; undefined: the default user. */
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

/** Reads `redis[s]://[[user]:password@]host[:port][/database]`. Throws InvalidInputError that names what is wrong. */
export function parseRedisUrl(text: string): RedisAddress {
  if (!URL.canParse(text))
    throw wrong("it is not a URL; write redis://host:6379/0 (a password's special characters as %XX)");
  const url = new URL(text);
  if (url.protocol !== "redis:" && url.protocol !== "rediss:") throw wrong("it must begin with redis:// or rediss://");
  if (url.hostname === "") throw wrong("it names no host");
  if (url.search !== "" || url.hash !== "") throw wrong("it must end after the number of the database");
  const database = /^\/?(\d{0,9})$/.exec(url.pathname)?.[1];
  if (database === undefined) throw wrong("its path must be the number of the database, as in redis://host:6379/0");
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: url.port === "" ? 6379 : Number(url.port),
    tls: url.protocol === "rediss:",
    username: decoded(url.username, "user"),
    password: decoded(url.password, "password"),
    database: Number(database),
  };
}

function decoded(text: string, what: string): string | undefined {
  try {
    return text === "" ? undefined : decodeURIComponent(text);
  } catch {
    throw wrong(`its ${what} has a % that does not begin a %XX`);
  }
}

function wrong(problem: string): InvalidInputError {
  return new InvalidInputError([`the Redis URL is wrong: ${problem}`]);
}
