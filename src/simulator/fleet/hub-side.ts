// What a fleet has once, however many processes serve its clusters: who they are, the hub's API and what it was told of them, the
// registries, the authority and the tokens that everybody trusts.
import { fileURLToPath } from "node:url";
import type { Clock } from "../../support/clock.ts";
import { ClusterPulseError } from "../../support/errors.ts";
import { AdvancingClock } from "../advancing-clock.ts";
import { HubArchive } from "../archive.ts";
import { apiVersionOf, type ResourceType } from "../http/catalog.ts";
import { type Authority, mintAuthority } from "../http/certificates.ts";
import { HubEngine } from "../hub/engine.ts";
import type { SimulatorOptions } from "../options.ts";
import { hubName } from "../origins.ts";
import { SimulatedRegistry } from "../registry/registry.ts";
import { isSameToken, Tokens } from "../tokens.ts";
import { type ClusterIdentity, clusterIdentities } from "../world/profile.ts";

/** An object of the hub's API: a definition, or whatever one makes possible. */
export interface SimulatedObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly [member: string]: unknown };
  readonly [member: string]: unknown;
}

const crdFolder = fileURLToPath(new URL("../../../config/crd/", import.meta.url));

export class HubSide {
  readonly identities: readonly ClusterIdentity[];
  readonly tokens = new Tokens();
  readonly authority: Authority = mintAuthority();
  readonly engine: HubEngine;
  readonly registries: ReadonlyMap<string, SimulatedRegistry>;
  readonly clock: Clock;
  readonly #archive: HubArchive | undefined;

  /** Reads what the data folder holds. Throws ClusterPulseError ARCHIVE_UNREADABLE. */
  static async open(options: SimulatorOptions): Promise<HubSide> {
    const side = new HubSide(options);
    await side.#archive?.open();
    return side;
  }

  private constructor({
    clusters,
    registries = 0,
    seed,
    clock = new AdvancingClock(),
    historySize,
    dataFolder,
  }: SimulatorOptions) {
    this.clock = clock;
    this.identities = clusterIdentities(seed, clusters);
    this.engine = new HubEngine({
      ...{ clock, crdFolder, caPem: this.authority.caPem },
      isServerToken: (token) => isSameToken(token, this.tokens.of(hubName)),
      ...(historySize === undefined ? {} : { historySize }),
    });
    this.#archive = dataFolder === undefined ? undefined : new HubArchive(dataFolder, this.engine, clock);
    this.registries = new Map(
      Array.from({ length: registries }, (_, index) => {
        const name = `registry-${String(index + 1).padStart(2, "0")}`;
        return [name, new SimulatedRegistry(seed, index, this.tokens.of(name))];
      }),
    );
  }

  /** Creates an object by the rules of the API, as the server itself. Throws an error with the API's refusal as message. */
  create(object: SimulatedObject): void {
    const { apiVersion, kind, metadata } = object;
    const isOf = (type: ResourceType): boolean => type.kind === kind && apiVersionOf(type) === apiVersion;
    const type = this.engine.catalog.types.find(isOf);
    if (type === undefined) {
      throw new ClusterPulseError("SIMULATED_KIND_UNKNOWN", `the hub's API serves no ${kind} of ${apiVersion}`);
    }
    this.engine.create(type, type.namespaced ? (metadata.namespace ?? "default") : "", object);
  }

  /** What is not yet kept is written down. */
  async close(): Promise<void> {
    await this.#archive?.close();
  }
}
