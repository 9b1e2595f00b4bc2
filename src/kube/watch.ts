// One watch connection: from bytes to typed events. Anything that is not a well-formed event ends the watch with an error:
// an event that cannot be read is an event lost, and whoever watches must know.
import type { KubeObject } from "../api/v1alpha1/meta.ts";
import { parseJson } from "./body.ts";
import { KubeError, knownStatusReason } from "./errors.ts";
import { acceptHeader, type Selection, selectionQuery } from "./list.ts";
import { readObject } from "./object.ts";
import { retryAfterOfStatus } from "./retry-after.ts";
import type { KubeTransport } from "./transport.ts";

export type WatchEvent<T extends KubeObject> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | {
      readonly type: "BOOKMARK";
      readonly resourceVersion: string;
      /** Everything that was there when the watch began has been sent. */
      readonly initialEventsEnd?: true;
    };

export interface WatchOptions extends Selection {
  /** The version to continue from; not used with `initialEvents`. */
  readonly resourceVersion: string;
  /** Begin with what is there now, ended by a bookmark that says so (KEP-3157). Servers may refuse it, and old ones never end. */
  readonly initialEvents?: boolean;
  /** How long the server should keep the watch open. */
  readonly timeoutSeconds: number;
  /** Without any byte, not even of a bookmark, for this long the connection counts as dead. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

const maxLineBytes = 8 << 20;
const newline = 0x0a;

/**
 * Opens a watch and yields its events until the server ends it. Throws KubeError: what the transport throws; GONE for an
 * ERROR event of status 410; SERVER_ERROR, RATE_LIMITED or UNEXPECTED_STATUS for other ERROR events; BODY_MALFORMED for
 * anything else that is not an event, half a line at the end included; BODY_TOO_LARGE for a line over 8 MiB.
 */
export async function* watchEvents<T extends KubeObject>(
  transport: Pick<KubeTransport, "stream">,
  path: string,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>, void, void> {
  const query = selectionQuery(options);
  query.set("watch", "true");
  query.set("allowWatchBookmarks", "true");
  if (options.initialEvents) {
    query.set("sendInitialEvents", "true");
    query.set("resourceVersionMatch", "NotOlderThan");
  } else {
    query.set("resourceVersion", options.resourceVersion);
  }
  query.set("timeoutSeconds", String(options.timeoutSeconds));
  const lines = new LineSplitter(maxLineBytes);
  const stream = transport.stream(`${path}?${query}`, {
    accept: acceptHeader("PartialObjectMetadata", options.metadataOnly),
    signal: options.signal,
    idleTimeoutMs: options.idleTimeoutMs,
  });
  for await (const chunk of stream) {
    for (const line of lines.push(chunk)) yield readEvent<T>(line, options.metadataOnly);
  }
  lines.end();
}

/** One line of a watch as an event; ERROR events are thrown. */
export function readEvent<T extends KubeObject>(line: Uint8Array, metadataOnly?: boolean): WatchEvent<T> {
  const { type, object } = (parseJson(line) ?? {}) as { type?: unknown; object?: unknown };
  switch (type) {
    case "ADDED":
    case "MODIFIED":
    case "DELETED":
      return { type, object: readObject<T>(object, metadataOnly) };
    case "BOOKMARK":
      return { type, ...readBookmark(object) };
    case "ERROR":
      throw errorEvent(object);
    default:
      throw new KubeError("BODY_MALFORMED", "the watch sent an event of unknown type");
  }
}

function readBookmark(object: unknown): { resourceVersion: string; initialEventsEnd?: true } {
  const { metadata } = (object ?? {}) as { metadata?: { resourceVersion?: unknown; annotations?: unknown } | null };
  const version = metadata?.resourceVersion;
  const isLastInitial =
    (metadata?.annotations as Record<string, unknown> | undefined)?.["k8s.io/initial-events-end"] === "true";
  if (typeof version === "string" && version !== "" && version.length <= 253) {
    return { resourceVersion: version, ...(isLastInitial && { initialEventsEnd: true }) };
  }
  throw new KubeError("BODY_MALFORMED", "the watch sent a bookmark without a resourceVersion");
}

function errorEvent(object: unknown): KubeError {
  const { code, reason } = (object ?? {}) as { code?: unknown; reason?: unknown };
  const httpStatus = typeof code === "number" && Number.isInteger(code) && code >= 400 && code < 600 ? code : 500;
  const statusReason = knownStatusReason(reason);
  const details = { httpStatus, statusReason, retryAfterMs: retryAfterOfStatus(object) };
  if (httpStatus === 410 || statusReason === "Expired" || statusReason === "Gone") {
    return new KubeError("GONE", "the watch ended: its version is no longer kept", details);
  }
  const kind = httpStatus === 429 ? "RATE_LIMITED" : httpStatus >= 500 ? "SERVER_ERROR" : "UNEXPECTED_STATUS";
  return new KubeError(kind, `the watch ended with an error event of status ${httpStatus}`, details);
}

/** Cuts chunks of bytes into lines without their line ends. Blank lines are dropped, long ones refused while they grow. */
export class LineSplitter {
  readonly #maxLineBytes: number;
  #partial: Uint8Array[] = [];
  #partialBytes = 0;

  constructor(maxBytes: number) {
    this.#maxLineBytes = maxBytes;
  }

  *push(chunk: Uint8Array): Generator<Uint8Array, void, void> {
    let from = 0;
    for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
      const line = this.#complete(chunk.subarray(from, at));
      from = at + 1;
      if (!isBlank(line)) yield line;
    }
    this.#keep(chunk.subarray(from));
  }

  /** Throws BODY_MALFORMED if the bytes ended within a line. */
  end(): void {
    if (this.#partial.every(isBlank)) return;
    throw new KubeError("BODY_MALFORMED", "the watch ended in the middle of an event");
  }

  #keep(bytes: Uint8Array): void {
    if (bytes.byteLength === 0) return;
    this.#partialBytes += bytes.byteLength;
    if (this.#partialBytes > this.#maxLineBytes) {
      throw new KubeError("BODY_TOO_LARGE", `the watch sent an event larger than ${this.#maxLineBytes} bytes`);
    }
    this.#partial.push(bytes);
  }

  #complete(tail: Uint8Array): Uint8Array {
    this.#keep(tail);
    const line = this.#partial.length === 1 ? (this.#partial[0] as Uint8Array) : Buffer.concat(this.#partial);
    this.#partial = [];
    this.#partialBytes = 0;
    return line;
  }
}

function isBlank(line: Uint8Array): boolean {
  return line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09);
}
