// Host names to addresses, without threads. Guarantees: names whose servers never answer hold up no other name; each lookup ends
// within its deadline; a bounded number is under way at once. Honours the hosts file, and `search` and `ndots` of resolv.conf.
// Does not: cache answers (connections live longer than most), ask mDNS or other modules of the system's name service.
// Why not dns.lookup: docs/decisions/0009-own-dns-lookups.md.
import type { LookupAddress } from "node:dns";
import { Resolver } from "node:dns/promises";
import { readFile, stat } from "node:fs/promises";
import { isIP } from "node:net";
import { Admission } from "../support/admission.ts";
import { type Clock, systemClock } from "../support/clock.ts";
import { duration } from "./error-mapping.ts";
import { KubeError } from "./errors.ts";

/** All addresses of a host name, at least one. Rejects with KubeError DNS_FAILED. */
export type Resolve = (hostname: string) => Promise<readonly LookupAddress[]>;

export interface ResolverOptions {
  readonly clock?: Clock;
  /** One lookup, its wait for a turn included. Shorter than a connect timeout, so that the error names the cause. */
  readonly deadlineMs?: number;
  /** Lookups under way at once; more wait for their turn. */
  readonly maxLookups?: number;
  readonly hostsPath?: string;
  readonly resolvConfPath?: string;
  /** Name servers to ask instead of the system's: `address:port`. */
  readonly servers?: readonly string[];
}

const fileCheckMs = 5_000;
const maxFileBytes = 16 << 20;
const maxSearchDomains = 8;
/** How long the answer of one family waits for the other's (RFC 8305 §3). */
const otherFamilyMs = 50;
/** The second attempt doubles the first's time: a query is over after about 4 s, also when nobody waits for it any more. */
const query = { timeout: 1_000, tries: 2 };

/** A resolver to be shared by all transports of a process. */
export function createResolver(options: ResolverOptions = {}): Resolve {
  const { clock = systemClock, deadlineMs = 2_500, maxLookups = 256 } = options;
  const admission = new Admission(maxLookups);
  const hosts = new WatchedFile(options.hostsPath ?? "/etc/hosts", clock, parseHosts);
  const system = new WatchedFile(options.resolvConfPath ?? "/etc/resolv.conf", clock, (text) => {
    const resolver = new Resolver(query);
    if (options.servers !== undefined) resolver.setServers(options.servers);
    return { ...parseResolvConf(text), resolver };
  });

  async function lookup(name: string, signal: AbortSignal): Promise<readonly LookupAddress[]> {
    const listed = (await hosts.read()).get(name.replace(/\.$/, ""));
    if (listed !== undefined) return listed;
    if (/(?:^|\.)localhost\.?$/.test(name)) return loopback;
    const { resolver, ...conf } = await system.read();
    const held = await admission.acquire("fresh", signal);
    try {
      for (const candidate of candidates(name, conf)) {
        if (signal.aborted) break;
        const found = await addressesOf(resolver, candidate, clock);
        if (found.length > 0) return found;
      }
    } finally {
      held.release();
    }
    throw new KubeError("DNS_FAILED", `the host name ${name} cannot be resolved`);
  }

  return (hostname) => {
    const abort = new AbortController();
    return new Promise((resolve, reject) => {
      const cancel = clock.setTimer(() => {
        abort.abort();
        reject(
          new KubeError("DNS_FAILED", `the host name ${hostname} was not resolved within ${duration(deadlineMs)}`),
        );
      }, deadlineMs);
      const name = hostname.toLowerCase();
      lookup(name, abort.signal)
        .then(resolve, (error: unknown) =>
          reject(
            error instanceof KubeError
              ? error
              : new KubeError("DNS_FAILED", `the host name ${name} cannot be resolved`),
          ),
        )
        .finally(cancel);
    });
  };
}

const loopback: readonly LookupAddress[] = [
  { address: "127.0.0.1", family: 4 },
  { address: "::1", family: 6 },
];

/** Empty where there is no such name; throws when no server answers, since another name would wait as long. */
async function addressesOf(resolver: Resolver, name: string, clock: Clock): Promise<LookupAddress[]> {
  const found: LookupAddress[] = [];
  const ask = async (family: 4 | 6): Promise<void> => {
    const addresses = await (family === 4 ? resolver.resolve4(name) : resolver.resolve6(name));
    for (const address of addresses) found.push({ address, family });
  };
  const both = [ask(4), ask(6)];
  const settled = Promise.allSettled(both);
  await Promise.any(both).then(
    () => Promise.race([settled, new Promise<void>((resolve) => void clock.setTimer(resolve, otherFamilyMs))]),
    () => settled,
  );
  if (found.length === 0 && (await settled).some((one) => one.status === "rejected" && unanswered(one.reason))) {
    throw new KubeError("DNS_FAILED", `no name server answers for ${name}`);
  }
  return found.sort((a, b) => a.family - b.family);
}

function unanswered(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === "ETIMEOUT" || code === "ECONNREFUSED";
}

/** Address lines of a hosts file, by lower-case name. */
export function parseHosts(text: string): Map<string, readonly LookupAddress[]> {
  const byName = new Map<string, LookupAddress[]>();
  for (const line of text.split("\n")) {
    const [address = "", ...names] = line.replace(/#.*/, "").trim().split(/\s+/);
    const family = isIP(address);
    if (family === 0) continue;
    for (const name of names) {
      const key = name.toLowerCase();
      byName.set(key, [...(byName.get(key) ?? []), { address, family }]);
    }
  }
  return byName;
}

/** The search list and `ndots` of a resolv.conf; the last `search` line counts. */
export function parseResolvConf(text: string): { search: readonly string[]; ndots: number } {
  const search = [...text.matchAll(/^(?:search|domain)[ \t]+(.*)$/gm)].at(-1)?.[1] ?? "";
  const ndots = /^options[ \t].*\bndots:(\d{1,2})/m.exec(text)?.[1] ?? "1";
  const domains = search
    .trim()
    .split(/\s+/)
    .filter((domain) => domain !== "" && domain !== ".");
  return { search: domains.slice(0, maxSearchDomains), ndots: Number(ndots) };
}

/** The absolute names to try, in order (resolv.conf(5)). */
export function candidates(name: string, conf: { search: readonly string[]; ndots: number }): string[] {
  if (name.endsWith(".")) return [name.slice(0, -1)];
  const searched = conf.search.map((domain) => `${name}.${domain}`);
  const dots = name.split(".").length - 1;
  return dots >= conf.ndots ? [name, ...searched] : [...searched, name];
}

/** A small file, read again when it has changed; without it, as if it were empty. */
class WatchedFile<T> {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #parse: (text: string) => T;
  #checkedMs = Number.NEGATIVE_INFINITY;
  #stamp = "";
  #value: Promise<T> | undefined;

  constructor(path: string, clock: Clock, parse: (text: string) => T) {
    this.#path = path;
    this.#clock = clock;
    this.#parse = parse;
  }

  read(): Promise<T> {
    if (this.#value === undefined || this.#clock.monotonicMs() - this.#checkedMs >= fileCheckMs) {
      this.#checkedMs = this.#clock.monotonicMs();
      this.#value = this.#check(this.#value);
    }
    return this.#value;
  }

  async #check(former: Promise<T> | undefined): Promise<T> {
    const found = await stat(this.#path).catch(() => undefined);
    const stamp = found === undefined || found.size > maxFileBytes ? "absent" : `${found.mtimeMs} ${found.size}`;
    if (former !== undefined && stamp === this.#stamp) return former;
    this.#stamp = stamp;
    return this.#parse(stamp === "absent" ? "" : await readFile(this.#path, "utf8").catch(() => ""));
  }
}
