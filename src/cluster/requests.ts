// The requests of one collection: single objects and whole lists, page by page. Bounded in requests, pages and bytes; room for an answer is
// taken before it is asked for, and given back once it has been read. Does not retry, except a list whose continue token expired, once,
// and pages that may be had when they are smaller.
// Observes how fast the server answers and when its certificate ends.
import { type AnswerRoom, askWithRoom } from "../kube/answer-room.ts";
import { KubeError } from "../kube/errors.ts";
import { PROTOBUF_TYPE } from "../kube/protobuf/envelope.ts";
import type { Clock } from "../support/clock.ts";
import { ClusterPulseError } from "../support/errors.ts";
import type { CollectLimits } from "./limits.ts";
import { failedForItsSize, type Paging } from "./paging.ts";
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
  readonly clock: Clock;
  readonly limits: CollectLimits;
  readonly room: AnswerRoom;
  /** What is known of the cluster's lists; it learns from this collection. */
  readonly paging: Paging;
  readonly jsonOnly: boolean;
  /** What one request may take. */
  readonly requestTimeoutMs: number;
  /** When, on the monotonic clock, the collection is over. */
  readonly endsAtMs: number;
}

/** A signal that ends requests, and how many there may be under it. */
export interface RequestsBounds {
  readonly signal: AbortSignal;
  readonly maxRequests: number;
}

/** One page that is asked for. */
interface PageRequest {
  readonly path: string;
  readonly size: number;
  readonly isFirst: boolean;
}

export class Requests {
  readonly observed: Observed;
  readonly #options: RequestsOptions;
  readonly #bounds: RequestsBounds;
  #sent = 0;

  constructor(
    options: RequestsOptions,
    bounds: RequestsBounds,
    observed: Observed = { headersAfterMs: [], certificateExpiresAtMs: null },
  ) {
    this.observed = observed;
    this.#options = options;
    this.#bounds = bounds;
  }

  /** The same, and observed together, but with bounds of its own. */
  under(bounds: RequestsBounds): Requests {
    return new Requests(this.#options, bounds, this.observed);
  }

  /** Gets a small single object. The room for it is held until it has been read. */
  async get<Value>(
    path: string,
    read: (body: ResponseBody) => Promise<Value>,
    accept: string = JSON_TYPE,
  ): Promise<Value> {
    return await this.#ask(path, accept, undefined, read);
  }

  async #ask<Value>(
    path: string,
    accept: string,
    page: PageRequest | undefined,
    read: (body: ResponseBody) => Promise<Value>,
  ): Promise<Value> {
    const { transport, clock, limits, room, paging, jsonOnly, requestTimeoutMs } = this.#options;
    const { signal, maxRequests } = this.#bounds;
    if (++this.#sent > maxRequests) throw tooManyRequests(maxRequests);
    const { headersAfterMs } = this.observed;
    const accepted = jsonOnly ? withoutProtobuf(accept) : accept;
    const maxBytes = limits.maxPageBytes;
    const expectedBytes = page === undefined ? 0 : paging.expectedBytes(page.path);
    let sentMs = clock.monotonicMs();
    const { answer, release } = await askWithRoom(
      (grant) => {
        const beforeSending = async (): Promise<void> => {
          await grant.beforeSending();
          sentMs = clock.monotonicMs();
        };
        return transport.get(path, { accept: accepted, signal, maxBytes: grant.maxBytes, beforeSending });
      },
      room,
      { expectedBytes, maxBytes },
      signal,
    );
    try {
      const tookMs = clock.monotonicMs() - sentMs;
      const bytes = answer.bytes.byteLength;
      if (page === undefined) paging.smallAnswered(tookMs);
      else paging.answered(page.path, { ...page, bytes, tookMs }, { timeoutMs: requestTimeoutMs, maxBytes });
      headersAfterMs.push(answer.headersAfterMs);
      const { peerCertificateExpiresAtMs } = transport.facts ?? {};
      this.observed.certificateExpiresAtMs = peerCertificateExpiresAtMs ?? this.observed.certificateExpiresAtMs;
      const isProtobuf = answer.contentType.trim().toLowerCase().startsWith(PROTOBUF_TYPE);
      return await read({ bytes: answer.bytes, encoding: answer.encoding, format: isProtobuf ? "protobuf" : "json" });
    } finally {
      release();
    }
  }

  /**
   * Reads a whole list. A continue token that expired restarts the list, once; a page that was too large or took too long is asked for
   * again with fewer objects.
   */
  async pages<Page extends { readonly continueToken: string }>(
    path: string,
    { accept, maxPageSize, labelSelector }: ListQuery,
    read: (body: ResponseBody) => Promise<Page>,
  ): Promise<Page[]> {
    const { clock, limits, paging } = this.#options;
    const { maxPagesPerList } = limits;
    const usual = Math.min(limits.pageSize, maxPageSize ?? limits.pageSize);
    const selector = labelSelector === undefined ? "" : `&labelSelector=${encodeURIComponent(labelSelector)}`;
    let pages: Page[] = [];
    let restarted = false;
    let token = "";
    for (let asked = 0; asked < maxPagesPerList; asked++) {
      const size = paging.sizeOf(path, usual);
      const from = token === "" ? "" : `&continue=${encodeURIComponent(token)}`;
      const page = { path, size, isFirst: token === "" };
      const startedMs = clock.monotonicMs();
      try {
        pages.push(await this.#ask(`${path}?limit=${size}${selector}${from}`, accept, page, read));
      } catch (error) {
        if (this.#isWorthLess(error, page, clock.monotonicMs() - startedMs)) continue;
        if (token === "" || restarted || !ClusterPulseError.is(error) || error.code !== "GONE") throw error;
        restarted = true;
        pages = [];
        token = "";
        continue;
      }
      token = pages.at(-1)?.continueToken ?? "";
      if (token === "") {
        paging.ended(path, usual);
        return pages;
      }
    }
    throw tooMany(path, `${maxPagesPerList} pages`);
  }

  /** Whether a page is to be asked for again with fewer objects. A server that has not answered anything yet may be down instead. */
  #isWorthLess(error: unknown, { path, size }: PageRequest, tookMs: number): boolean {
    const { clock, paging, endsAtMs } = this.#options;
    const cause = failedForItsSize(error);
    if (cause === undefined || (cause === "time" && this.observed.headersAfterMs.length === 0)) return false;
    if (!paging.failed(path, size)) return false;
    return !this.#bounds.signal.aborted && clock.monotonicMs() + tookMs / 2 <= endsAtMs;
  }
}

function tooManyRequests(maxRequests: number): ClusterPulseError {
  return new ClusterPulseError("REQUESTS_EXHAUSTED", `not read within ${maxRequests} requests: lists do not end`);
}

/** The error for a list that does not end where lists of its kind end. */
export function tooMany(path: string, limit: string): KubeError {
  return new KubeError("TOO_MANY_OBJECTS", `the list of ${path} is longer than ${limit}`);
}
