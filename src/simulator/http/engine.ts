// The door between the request pipeline and what holds the objects. An engine knows no sockets, no fault and no credential.
import type { Caller, Gate } from "./callers.ts";
import type { Catalog, ResourceType, Verb } from "./catalog.ts";

/** How objects are wanted: whole, or as PartialObjectMetadata. */
export type ObjectForm = "full" | "metadata";

/** One request for a resource, routed and negotiated. */
export interface ResourceRequest {
  readonly type: ResourceType;
  readonly verb: Verb;
  /** "" for cluster-scoped resources, and for all namespaces in list and watch. */
  readonly namespace: string;
  /** "" for collections. */
  readonly name: string;
  /** "" or `status`. */
  readonly subresource: string;
  readonly query: URLSearchParams;
  readonly form: ObjectForm;
  /** Media type of the body, without parameters; "" without a body. */
  readonly contentType: string;
  /** The parsed JSON body; undefined without one. */
  readonly body: unknown;
  /** Members that the body names more than once, as paths. */
  readonly duplicateFields?: readonly string[];
  /** As the client sent it; "" without one. */
  readonly userAgent: string;
  readonly caller: Caller;
}

/** Where a watch writes. `write` takes one JSON line without its line end. */
export interface WatchSink {
  write(line: string): void;
  /** Ends the body cleanly. */
  end(): void;
}

export type Answer =
  | {
      readonly type: "body";
      readonly status: number;
      readonly text: string;
      /** What the writer should be told beside the answer, as the texts of Warning headers. */
      readonly warnings?: readonly string[];
      /** The same as protobuf, where there is a better one than what could be made of the text. */
      readonly protobuf?: Uint8Array;
    }
  /** Everything that can be refused was refused before: `start` only streams. Returns what stops it. */
  | { readonly type: "watch"; start(sink: WatchSink): () => void };

export interface Engine {
  readonly catalog: Catalog;
  /** Who may do what; without one the server's own token opens everything. */
  readonly gate?: Gate;
  /** Its objects never change: the same request always has the same answer. */
  readonly isImmutable: boolean;
  /** Whether objects of the type are answered as protobuf to who asks for it. */
  hasProtobuf(type: ResourceType): boolean;
  /** The answer of GET /version. */
  version(): Record<string, string>;
  /** Throws ApiError for everything the API refuses. */
  answer(request: ResourceRequest): Answer;
}
