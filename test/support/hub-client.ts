// A client of the simulated hub's API server without its sockets, in virtual time.
import { administrator, type Caller } from "../../src/simulator/http/callers.ts";
import type { Verb } from "../../src/simulator/http/catalog.ts";
import type { Answer } from "../../src/simulator/http/engine.ts";
import { ApiError, type StatusCause } from "../../src/simulator/http/status.ts";
import { HubEngine } from "../../src/simulator/hub/engine.ts";
import type { ManagedFields } from "../../src/simulator/hub/managed-fields.ts";
import { VirtualClock } from "../../src/support/virtual-clock.ts";

/** The definitions that a simulated hub begins with. */
export const crdFolder = new URL("../../config/crd/", import.meta.url).pathname;

export interface Meta {
  name: string;
  namespace?: string;
  uid: string;
  resourceVersion: string;
  generation?: number;
  labels?: Record<string, string>;
  finalizers?: string[];
  deletionTimestamp?: string;
  managedFields?: ManagedFields;
}

export interface Obj {
  kind: string;
  metadata: Meta;
  spec?: unknown;
  status?: unknown;
  data?: unknown;
  type?: string;
}

export interface WatchEvent {
  type: string;
  object: Obj & { code?: number; metadata: Meta & { annotations?: Record<string, string> } };
}

/** What a request says beyond its verb and resource. */
export interface Part {
  name?: string;
  namespace?: string;
  subresource?: string;
  query?: string;
  body?: unknown;
  contentType?: string;
  caller?: Caller;
}

/** What a refusal says of single fields; none: the write was accepted. */
export function causesOf(write: () => unknown): readonly StatusCause[] {
  try {
    write();
    return [];
  } catch (error) {
    if (error instanceof ApiError) return error.details.causes ?? [];
    throw error;
  }
}

export class HubClient {
  readonly clock = new VirtualClock();
  readonly engine: HubEngine;

  /** A server with the namespace `team`. */
  constructor(historySize = 1000) {
    this.engine = new HubEngine({ clock: this.clock, crdFolder, historySize });
    this.send("create", "namespaces", { body: { metadata: { name: "team" } } });
  }

  /** @param resource its plural, with its group where two groups have one: `events.events.k8s.io` */
  send(verb: Verb, resource: string, part: Part = {}): Answer {
    const type = this.engine.catalog.types.find(
      (one) => one.resource === resource || `${one.resource}.${one.group}` === resource,
    );
    if (type === undefined) throw new Error(`no ${resource}`);
    return this.engine.answer({
      type,
      verb,
      namespace: part.namespace ?? (type.namespaced ? "team" : ""),
      name: part.name ?? "",
      subresource: part.subresource ?? "",
      query: new URLSearchParams(part.query ?? ""),
      form: "full",
      contentType: part.contentType ?? (verb === "patch" ? "application/merge-patch+json" : "application/json"),
      body: part.body,
      userAgent: "test/1",
      caller: part.caller ?? administrator,
    });
  }

  call(...args: Parameters<HubClient["send"]>): Obj & { items: Obj[]; metadata: Meta & { continue?: string } } {
    const answer = this.send(...args);
    if (answer.type !== "body") throw new Error("not a body");
    return JSON.parse(answer.text);
  }

  /** The failure of a request; throws when it is accepted. */
  failure(...args: Parameters<HubClient["send"]>): ApiError {
    try {
      this.send(...args);
    } catch (error) {
      if (error instanceof ApiError) return error;
      throw error;
    }
    throw new Error("accepted");
  }

  /** Status and reason of the refusal. */
  refusal(...args: Parameters<HubClient["send"]>): string {
    try {
      this.send(...args);
      return "accepted";
    } catch (error) {
      if (error instanceof ApiError) return `${error.status} ${error.reason}`;
      throw error;
    }
  }

  watch(resource: string, query: string): { events: WatchEvent[]; ended: () => boolean; stop: () => void } {
    const answer = this.send("watch", resource, { query, namespace: "" });
    if (answer.type !== "watch") throw new Error("not a watch");
    const events: WatchEvent[] = [];
    let isEnded = false;
    const stop = answer.start({
      write: (line) => void events.push(JSON.parse(line)),
      end: () => {
        isEnded = true;
      },
    });
    return { events, ended: () => isEnded, stop };
  }

  get revision(): number {
    return this.engine.store.revision;
  }
}
