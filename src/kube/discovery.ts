// What one API server serves: the resources of a group and version. Guarantees: answers are kept for `ttlMs`, also that something is
// not served (shorter, since a CRD may come at any time); callers that ask at once share their requests; bounded in bytes, groups and
// resources. Only what was asked for is kept: the whole of a large server, times a thousand clusters, is too much.
// Does not: refresh by itself, choose among versions.
import { LRUCache } from "lru-cache";
import type { Clock } from "../support/clock.ts";
import { ClusterPulseError } from "../support/errors.ts";
import { parseJsonBody } from "./body.ts";
import { isKubeError, KubeError } from "./errors.ts";
import type { KubeTransport } from "./transport.ts";

export interface ApiResource {
  /** Plural, as in paths: `deployments`. Subresources are left out. */
  readonly name: string;
  readonly kind: string;
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
}

export interface DiscoveryOptions {
  readonly clock: Clock;
  readonly ttlMs?: number;
  /** How long something that is not served is not asked for again. */
  readonly missingTtlMs?: number;
}

type Resources = readonly ApiResource[] | undefined;

const maxGroupVersions = 256;
const maxResources = 2_000;
const maxBodyBytes = 16 << 20;
const aggregated = (version: string): string =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`;
const accept = `${aggregated("v2")},${aggregated("v2beta1")},application/json`;
const groupVersionSyntax = /^(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?\/)?[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

export class Discovery {
  readonly #transport: Pick<KubeTransport, "get">;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #missingTtlMs: number;
  readonly #known = new LRUCache<string, { readonly resources: Resources; readonly untilMs: number }>({
    max: maxGroupVersions,
  });
  /** Aggregated documents under way, `/api` and `/apis`, with the group versions that somebody waits for. */
  readonly #documents = new Map<string, { readonly wanted: Set<string>; readonly done: Promise<boolean> }>();
  /** Servers without aggregated documents are asked for single groups; this holds until the answers expire. */
  #legacyUntilMs = Number.NEGATIVE_INFINITY;

  constructor(transport: Pick<KubeTransport, "get">, options: DiscoveryOptions) {
    this.#transport = transport;
    this.#clock = options.clock;
    this.#ttlMs = options.ttlMs ?? 600_000;
    this.#missingTtlMs = options.missingTtlMs ?? 60_000;
  }

  /**
   * The resources of `groupVersion` (`v1`, `apps/v1`), or undefined where the server does not serve it.
   * Throws INVALID_INPUT for anything else, and KubeError: what the transport throws (not kept), BODY_MALFORMED, TOO_MANY_OBJECTS.
   */
  async discover(groupVersion: string, signal: AbortSignal): Promise<Resources> {
    if (!groupVersionSyntax.test(groupVersion)) {
      throw new ClusterPulseError("INVALID_INPUT", "a group and version must be written as v1 or apps/v1");
    }
    const known = this.#fresh(groupVersion);
    if (known !== undefined) return known.resources;
    if (this.#clock.monotonicMs() >= this.#legacyUntilMs && (await this.#askAggregated(groupVersion, signal))) {
      const found = this.#fresh(groupVersion);
      if (found !== undefined) return found.resources;
    }
    return await this.#askLegacy(groupVersion, signal);
  }

  /** Forgets everything, as after a change of the server's CRDs. */
  forget(): void {
    this.#known.clear();
    this.#legacyUntilMs = Number.NEGATIVE_INFINITY;
  }

  #fresh(groupVersion: string): { readonly resources: Resources } | undefined {
    const known = this.#known.get(groupVersion);
    return known !== undefined && this.#clock.monotonicMs() < known.untilMs ? known : undefined;
  }

  #keep(groupVersion: string, resources: Resources): void {
    const ttlMs = resources === undefined ? this.#missingTtlMs : this.#ttlMs;
    this.#known.set(groupVersion, { resources, untilMs: this.#clock.monotonicMs() + ttlMs });
  }

  /** Keeps what the aggregated document says of all who wait for it. Resolves with false where the server has none. */
  async #askAggregated(groupVersion: string, signal: AbortSignal): Promise<boolean> {
    const path = groupVersion.includes("/") ? "/apis" : "/api";
    const underWay = this.#documents.get(path);
    if (underWay !== undefined) {
      underWay.wanted.add(groupVersion);
      // Its signal is another caller's: if that one gives up, this one asks for itself.
      return await underWay.done.catch(() => false);
    }
    const wanted = new Set([groupVersion]);
    const done = this.#readAggregated(path, wanted, signal).finally(() => this.#documents.delete(path));
    this.#documents.set(path, { wanted, done });
    return await done;
  }

  async #readAggregated(path: string, wanted: ReadonlySet<string>, signal: AbortSignal): Promise<boolean> {
    const { body, contentType } = await this.#get(path, accept, signal);
    if (!contentType.includes("as=APIGroupDiscoveryList")) {
      this.#legacyUntilMs = this.#clock.monotonicMs() + this.#ttlMs;
      return false;
    }
    const found = new Map<string, Resources>([...wanted].map((groupVersion) => [groupVersion, undefined]));
    const stale = new Set<string>();
    for (const item of list(body, "items")) {
      const group = text(record(record(item)["metadata"])["name"]) ?? "";
      for (const entry of list(item, "versions")) {
        const version = record(entry);
        const name = group === "" ? `${version["version"]}` : `${group}/${version["version"]}`;
        if (!found.has(name)) continue;
        // The server says of itself that it could not ask the one behind it: only that one knows.
        if (version["freshness"] === "Stale") stale.add(name);
        else found.set(name, readResources(list(version, "resources"), "resource"));
      }
    }
    for (const [name, resources] of found) if (!stale.has(name)) this.#keep(name, resources);
    return true;
  }

  async #askLegacy(groupVersion: string, signal: AbortSignal): Promise<Resources> {
    const path = groupVersion.includes("/") ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
    let resources: Resources;
    try {
      const { body } = await this.#get(path, "application/json", signal);
      resources = readResources(list(body, "resources"), "name");
    } catch (error) {
      if (!isKubeError(error, "NOT_FOUND")) throw error;
    }
    this.#keep(groupVersion, resources);
    return resources;
  }

  async #get(path: string, accepted: string, signal: AbortSignal): Promise<{ body: unknown; contentType: string }> {
    const answer = await this.#transport.get(path, { accept: accepted, signal, maxBytes: maxBodyBytes });
    const body = await parseJsonBody(answer.bytes, answer.encoding, maxBodyBytes);
    return { body, contentType: answer.contentType };
  }
}

/** @param nameField `resource` in aggregated documents, `name` in others */
function readResources(entries: readonly unknown[], nameField: "resource" | "name"): ApiResource[] {
  if (entries.length > maxResources) {
    throw new KubeError("TOO_MANY_OBJECTS", `more than ${maxResources} resources in one group and version`);
  }
  return entries.flatMap((value) => {
    const entry = record(value);
    const name = text(entry[nameField]);
    const kind = text(entry["kind"] ?? record(entry["responseKind"])["kind"]);
    if (name === undefined || kind === undefined || name.includes("/")) return [];
    const namespaced = entry["namespaced"] === true || entry["scope"] === "Namespaced";
    const verbs = list(entry, "verbs").flatMap((verb) => text(verb) ?? []);
    return [{ name, kind, namespaced, verbs }];
  });
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** The list under `member`; an absent or null one is empty, anything else no discovery document. */
function list(value: unknown, member: string): readonly unknown[] {
  const found = record(value)[member] ?? [];
  if (Array.isArray(found)) return found as unknown[];
  throw new KubeError("BODY_MALFORMED", "the answer is not a discovery document");
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.length <= 253 ? value : undefined;
}
