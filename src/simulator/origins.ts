// Where the API server of a simulated cluster is reached: at a port of its own, at an address of its own, or below a path of the hub's.
import type { Socket } from "node:net";
import { InvalidInputError } from "../support/errors.ts";
import { type FaultRule, needsListener } from "./faults/rule.ts";
import type { Catalog } from "./http/catalog.ts";
import { Origin, type Presentation } from "./http/listeners.ts";
import { openApiIndex } from "./http/openapi.ts";
import type { SimulatorRequest } from "./http/sockets.ts";
import type { OriginMode } from "./options.ts";

const prefix = "/clusters/";

/** `127.1.0.1`, `127.1.0.2` and on: Linux answers at all of them. */
export const addressOf = (index: number): string => `127.1.${(index + 1) >> 8}.${(index + 1) & 0xff}`;

/** The server below `/clusters/<name>` of another one's listener, whose connections they share. */
export class PathOrigin extends Origin {
  readonly #base: Origin;

  constructor(name: string, base: Origin) {
    super(name, () => {});
    this.#base = base;
  }

  override get port(): number {
    return this.#base.port;
  }

  override get url(): string {
    return `${this.#base.url}${prefix}${this.name}`;
  }

  override async listen(): Promise<void> {}

  override async close(): Promise<void> {}

  /** The text of the index of OpenAPI documents: clients take the addresses in it as those of the whole listener. */
  openApiIndex(catalog: Catalog): string {
    const { paths } = openApiIndex(catalog) as { paths: Record<string, { serverRelativeURL: string }> };
    const below = Object.entries(paths).map(([path, { serverRelativeURL }]) => [
      path,
      { serverRelativeURL: `${prefix}${this.name}${serverRelativeURL}` },
    ]);
    return JSON.stringify({ paths: Object.fromEntries(below) });
  }

  /** Resets the whole connection, with whatever else the client asks on it. */
  override reset(remotePort: number | undefined, how: "reset" | "halfClose" = "reset"): void {
    this.#base.reset(remotePort, how);
  }
}

/** What the server below a path sees of it; undefined for any other path. */
function splitClusterPath(path: string): { readonly name: string; readonly rest: string } | undefined {
  if (!path.startsWith(prefix)) return undefined;
  const [, name = "", rest = ""] = /^([^/?]+)(.*)$/.exec(path.slice(prefix.length)) ?? [];
  return { name, rest: rest.startsWith("/") ? rest : `/${rest}` };
}

/** Throws InvalidInputError where a fault of listeners is asked for on a server that has none. */
export function checkFaultHasListener(origin: Origin, rule: FaultRule): void {
  if (!(origin instanceof PathOrigin) || !needsListener(rule)) return;
  const { cluster, fault } = rule;
  throw new InvalidInputError([
    `fault: ${fault} needs a listener, and ${cluster} has none of its own below a path; start the simulator with --origin port or ip`,
  ]);
}

export const hubName = "hub";
const listenBatch = 100;

export interface OriginsOptions {
  readonly mode: OriginMode;
  /** Of the hub's API server; 0 takes a free one. */
  readonly hubPort: number;
  /** False: another process does so. */
  readonly servesHub: boolean;
  /** With their places in the whole fleet. */
  readonly clusters: readonly { readonly name: string; readonly index: number }[];
  /** Other servers, which always have ports of their own. */
  readonly sites: readonly string[];
  readonly connect: (socket: Socket, origin: Origin, presentation: Presentation) => void;
}

/** The servers of a fleet by name; all listen when `open` resolves. */
export class Origins {
  readonly #byName = new Map<string, Origin>();
  readonly #options: OriginsOptions;

  constructor(options: OriginsOptions) {
    this.#options = options;
  }

  /** Throws ClusterPulseError LISTEN_FAILED, and none listens then. */
  async open(): Promise<void> {
    const { mode, hubPort, servesHub, clusters, sites } = this.#options;
    try {
      const hub = servesHub ? this.#add(hubName) : undefined;
      await hub?.listen(hubPort);
      const opening = clusters.map(({ name, index }) => (): Promise<void> => {
        if (mode === "port") return this.#add(name).listen(0);
        if (mode === "ip") return this.#add(name, addressOf(index)).listen(hub?.port ?? hubPort);
        if (hub === undefined) throw new Error("clusters below paths are in the process of the hub");
        this.#byName.set(name, new PathOrigin(name, hub));
        return Promise.resolve();
      });
      opening.push(...sites.map((name) => () => this.#add(name).listen(0)));
      for (let from = 0; from < opening.length; from += listenBatch) {
        const batch = opening.slice(from, from + listenBatch).map((open) => open());
        // All of a batch settle before a failure is thrown, so that none opens after the others were closed.
        const failed = (await Promise.allSettled(batch)).find((result) => result.status === "rejected");
        if (failed !== undefined) throw failed.reason;
      }
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  all(): readonly Origin[] {
    return [...this.#byName.values()];
  }

  find(name: string): Origin | undefined {
    return this.#byName.get(name);
  }

  /** The server that a request is for which arrived at `origin`; its path is then that below the server's. */
  serverOf(origin: Origin, request: SimulatorRequest): Origin {
    const below = origin.name === hubName ? splitClusterPath(request.url) : undefined;
    const server = below === undefined ? undefined : this.#byName.get(below.name);
    if (below === undefined || !(server instanceof PathOrigin)) return origin;
    request.url = below.rest;
    return server;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byName.values()].map((origin) => origin.close()));
  }

  #add(name: string, host?: string): Origin {
    const connect = (socket: Socket, presentation: Presentation): void =>
      this.#options.connect(socket, origin, presentation);
    const origin = new Origin(name, connect, host);
    this.#byName.set(name, origin);
    return origin;
  }
}
