// The requests of one collection: single objects and whole lists, page by page. Bounded in pages and bytes; room for an answer is taken
// before it is asked for, and given back once it has been read. Does not retry, except a list whose continue token expired, once.
// Observes how fast the server answers and when its certificate ends.
import { type AnswerRoom, askWithRoom } from "../kube/answer-room.ts";
import { KubeError } from "../kube/errors.ts";
import { PROTOBUF_TYPE } from "../kube/protobuf/envelope.ts";
import { ClusterPulseError } from "../support/errors.ts";
import type { CollectLimits } from "./limits.ts";
import type { Paging } from "./paging.ts";
import type { ResponseBody, Transport } from "./ports.ts";

export const JSON_TYPE = "application/json";
/** Servers that do not give protobuf answer JSON. */
export const LIST_TYPES = `${PROTOBUF_TYPE},${JSON_TYPE}`;
const METADATA_LIST = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
// Metadata as protobuf is the least there is to send; a whole object as protobuf would only add bytes to skip.
export const NAMES_ONLY = `${PROTOBUF_TYPE};${METADATA_LIST},${JSON_TYPE};${METADATA_LIST},${JSON_TYPE}`;
const withoutProtobuf = (accept: string): string =>
  accept
    .split(",")
    .filter((type) => !type.startsWith(PROTOBUF_TYPE))
    .join();

export interface ListQuery {
  readonly accept: string;
  /** Smaller pages than usual, for objects that are larger. */
  readonly maxPageSize?: number;
  readonly labelSelector?: string;
}

/** What the answers told beside their bodies. */
export interface Observed {
  readonly headersAfterMs: number[];
  certificateExpiresAtMs: number | null;
}

export interface RequestsOptions {
  readonly transport: Transport;
  readonly limits: CollectLimits;
  readonly room: AnswerRoom;
  /** What is known of the cluster's lists; it learns from this collection. */
  readonly paging: Paging;
  readonly jsonOnly: boolean;
}

export class Requests {
  readonly observed: Observed;
  readonly #options: RequestsOptions;
  readonly #signal: AbortSignal;

  constructor(
    options: RequestsOptions,
    signal: AbortSignal,
    observed: Observed = { headersAfterMs: [], certificateExpiresAtMs: null },
  ) {
    this.observed = observed;
    this.#options = options;
    this.#signal = signal;
  }

  /** The same, and observed together, but ended by another signal. */
  under(signal: AbortSignal): Requests {
    return new Requests(this.#options, signal, this.observed);
  }

  /** Gets a small single object. The room for it is held until it has been read. */
  async get<Value>(
    path: string,
    read: (body: ResponseBody) => Promise<Value>,
    accept: string = JSON_TYPE,
  ): Promise<Value> {
    return await this.#ask(path, accept, 0, read, () => undefined);
  }

  async #ask<Value>(
    path: string,
    accept: string,
    expectedBytes: number,
    read: (body: ResponseBody) => Promise<Value>,
    learn: (bytes: number) => void,
  ): Promise<Value> {
    const { transport, limits, room, jsonOnly } = this.#options;
    const signal = this.#signal;
    const accepted = jsonOnly ? withoutProtobuf(accept) : accept;
    const { answer, held } = await askWithRoom(
      (maxBytes) => transport.get(path, { accept: accepted, signal, maxBytes }),
      room,
      { expectedBytes, maxBytes: limits.maxPageBytes },
      signal,
    );
    try {
      learn(answer.bytes.byteLength);
      this.observed.headersAfterMs.push(answer.headersAfterMs);
      const { peerCertificateExpiresAtMs } = transport.facts ?? {};
      this.observed.certificateExpiresAtMs = peerCertificateExpiresAtMs ?? this.observed.certificateExpiresAtMs;
      const isProtobuf = answer.contentType.trim().toLowerCase().startsWith(PROTOBUF_TYPE);
      return await read({ bytes: answer.bytes, encoding: answer.encoding, format: isProtobuf ? "protobuf" : "json" });
    } finally {
      held.release();
    }
  }

  /** Reads a whole list. A continue token that expired restarts the list, once. */
  async pages<Page extends { readonly continueToken: string }>(
    path: string,
    { accept, maxPageSize, labelSelector }: ListQuery,
    read: (body: ResponseBody) => Promise<Page>,
  ): Promise<Page[]> {
    const { limits, paging } = this.#options;
    const { pageSize, maxPagesPerList } = limits;
    const selector = labelSelector === undefined ? "" : `&labelSelector=${encodeURIComponent(labelSelector)}`;
    const query = `${path}?limit=${Math.min(pageSize, maxPageSize ?? pageSize)}${selector}`;
    let pages: Page[] = [];
    let restarted = false;
    let token = "";
    for (let asked = 0; asked < maxPagesPerList; asked++) {
      try {
        const at = token === "" ? query : `${query}&continue=${encodeURIComponent(token)}`;
        const isFirst = token === "";
        const learn = (bytes: number): void => paging.learned(path, bytes, isFirst);
        pages.push(await this.#ask(at, accept, paging.expectedBytes(path), read, learn));
      } catch (error) {
        if (token === "" || restarted || !ClusterPulseError.is(error) || error.code !== "GONE") throw error;
        restarted = true;
        pages = [];
        token = "";
        continue;
      }
      token = pages.at(-1)?.continueToken ?? "";
      if (token === "") return pages;
    }
    throw tooMany(path, `${maxPagesPerList} pages`);
  }
}

/** The error for a list that does not end where lists of its kind end. */
export function tooMany(path: string, limit: string): KubeError {
  return new KubeError("TOO_MANY_OBJECTS", `the list of ${path} is longer than ${limit}`);
}
