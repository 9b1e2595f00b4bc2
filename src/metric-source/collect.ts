// Reads one list of one cluster for all sources that share it, page by page. Guarantees: at most `parallelism` pages in memory; each
// source's rows end at its own limit, and `truncated` is true only when a row that matches was really cut; what was read before a failure
// or the deadline is kept and said to be partial; rows come in the order of namespaces, then of the API server.
// A page that fails for a passing reason is asked for again, within the deadline; an expired continue token begins its list anew.
// Does not: parse, extract, store. It throws only when nothing at all could be read, and when the caller's signal aborts.
import { type AnswerRoom, askWithRoom } from "../kube/answer-room.ts";
import { isKubeError, KubeError } from "../kube/errors.ts";
import type { ResponseBody } from "../kube/list-page.ts";
import { PROTOBUF_TYPE } from "../kube/protobuf/envelope.ts";
import { fullJitterMs } from "../support/backoff.ts";
import type { Clock } from "../support/clock.ts";
import { ClusterPulseError, safeError } from "../support/errors.ts";
import type { Random } from "../support/random.ts";

/** What collecting needs of one cluster's API server. */
export interface ListTransport {
  get(
    path: string,
    options: { accept: string; signal: AbortSignal; maxBytes: number; beforeSending: () => Promise<void> },
  ): Promise<{
    readonly bytes: ResponseBody["bytes"];
    readonly encoding: ResponseBody["encoding"];
    readonly contentType: string;
  }>;
}

/** A source's share of one page. `Part` is what the engine made of it. */
export interface ExtractedShare<Part> {
  readonly part: Part;
  /** Rows taken: at most as many as were asked for. */
  readonly rows: number;
  /** Whether rows that match were left out because of the limit. */
  readonly cut: boolean;
}

export interface ExtractedPage<Part> {
  /** "" on the last page. */
  readonly continueToken: string;
  /** Objects on the page, and its size without compression. */
  readonly objects: number;
  readonly bytes: number;
  /** In the order of the request. */
  readonly shares: readonly ExtractedShare<Part>[];
}

/** The CPU work on one page, for all sources at once: `maxRows` is what each may still take. Takes ownership of the body's bytes. */
export type ExtractPage<Source, Part> = (
  body: ResponseBody,
  sources: readonly { readonly source: Source; readonly maxRows: number }[],
  signal: AbortSignal,
) => Promise<ExtractedPage<Part>>;

export interface CollectListRequest<Source> {
  /** Path of the list over all namespaces, such as /api/v1/pods. */
  readonly path: string;
  /** Path of the list in one namespace. */
  readonly pathIn: (namespace: string) => string;
  readonly namespaces: readonly string[] | null;
  readonly labelSelector: string;
  readonly accept: string;
  readonly batchSize: number;
  readonly parallelism: number;
  readonly retryAttempts: number;
  readonly timeoutMs: number;
  readonly sources: readonly { readonly source: Source; readonly maxResources: number }[];
}

export interface CollectListPorts<Source, Part> {
  readonly transport: ListTransport;
  readonly extract: ExtractPage<Source, Part>;
  readonly clock: Clock;
  readonly random: Random;
  /** Where the memory for pages comes from. */
  readonly room: AnswerRoom;
  /** For pages that are asked for before their turn, which hold it until then: those whose turn it is never wait for them. */
  readonly aheadRoom: AnswerRoom;
}

export interface CollectedSource<Source, Part> {
  readonly source: Source;
  readonly parts: readonly Part[];
  readonly resourceCount: number;
  readonly truncated: boolean;
}

export interface CollectedList<Source, Part> {
  readonly sources: readonly CollectedSource<Source, Part>[];
  /** Why some of it is lacking, for people; empty: all of it is there. */
  readonly problems: readonly string[];
  readonly requests: number;
  readonly objects: number;
  readonly bytes: number;
}

const maxPages = 2_000;
const maxPageBytes = 16 * 1024 * 1024;
const maxProblems = 20;
const backoff = { firstMs: 200, maxMs: 5_000 };
/** Another try may go well. */
const transient: ReadonlySet<string> = new Set([
  "CONNECTION_REFUSED",
  "CONNECTION_RESET",
  "CONNECT_TIMEOUT",
  "HEADERS_TIMEOUT",
  "BODY_TIMEOUT",
  "REQUEST_DEADLINE",
  "RATE_LIMITED",
  "SERVER_ERROR",
  "COMPUTE_QUEUE_FULL",
  "COMPUTE_NO_THREAD",
]);

/** Reads the list. @param signal ends it without a result */
export async function collectList<Source, Part>(
  request: CollectListRequest<Source>,
  ports: CollectListPorts<Source, Part>,
  signal: AbortSignal,
): Promise<CollectedList<Source, Part>> {
  return await new ListRun(request, ports, signal).collect();
}

interface Taken<Source, Part> {
  readonly source: Source;
  readonly maxResources: number;
  parts: Part[];
  rows: number;
  cut: boolean;
}

class ListRun<Source, Part> {
  readonly #request: CollectListRequest<Source>;
  readonly #ports: CollectListPorts<Source, Part>;
  readonly #outer: AbortSignal;
  readonly #late = new AbortController();
  readonly #signal: AbortSignal;
  readonly #endsAtMs: number;
  readonly #taken: Taken<Source, Part>[];
  readonly #problems: string[] = [];
  #firstError: unknown;
  #requests = 0;
  #pagesRead = 0;
  #objects = 0;
  #bytes = 0;
  /** As it came off the wire. */
  #largestPageBytes = 0;

  constructor(request: CollectListRequest<Source>, ports: CollectListPorts<Source, Part>, signal: AbortSignal) {
    this.#request = request;
    this.#ports = ports;
    this.#outer = signal;
    this.#signal = AbortSignal.any([signal, this.#late.signal]);
    this.#endsAtMs = ports.clock.monotonicMs() + request.timeoutMs;
    this.#taken = request.sources.map((source) => ({ ...source, parts: [], rows: 0, cut: false }));
  }

  async collect(): Promise<CollectedList<Source, Part>> {
    const cancel = this.#ports.clock.setTimer(() => this.#late.abort(), this.#request.timeoutMs);
    try {
      await this.#readAll();
    } finally {
      cancel();
      // Pages that were asked for ahead and are not needed any more.
      this.#late.abort();
    }
    if (this.#pagesRead === 0 && this.#firstError !== undefined) throw this.#firstError;
    return {
      sources: this.#taken.map(({ source, parts, rows, cut }) => ({
        source,
        parts,
        resourceCount: rows,
        truncated: cut,
      })),
      problems: this.#problems,
      requests: this.#requests,
      objects: this.#objects,
      bytes: this.#bytes,
    };
  }

  /** Namespaces are asked for ahead, and read in order: so the rows that a limit leaves are the same every time. */
  async #readAll(): Promise<void> {
    const { path, pathIn, namespaces, parallelism } = this.#request;
    const paths = namespaces?.map((namespace) => ({ path: pathIn(namespace), prefix: `namespace ${namespace}: ` })) ?? [
      { path, prefix: "" },
    ];
    const ahead = new Map<number, Promise<Page>>();
    for (const [i, { path: listPath, prefix }] of paths.entries()) {
      for (let next = i; next < Math.min(paths.length, i + parallelism); next++) {
        if (ahead.has(next)) continue;
        const { room, aheadRoom } = this.#ports;
        const page = this.#get(this.#query(paths[next]?.path ?? "", ""), next === i ? room : aheadRoom);
        page.catch(() => undefined);
        ahead.set(next, page);
      }
      try {
        await this.#readList(listPath, ahead.get(i));
      } catch (error) {
        this.#outer.throwIfAborted();
        this.#firstError ??= error;
        const isLate = this.#late.signal.aborted;
        const seconds = this.#request.timeoutMs / 1_000;
        this.#say(isLate ? `not all of it could be read within ${seconds} s` : `${prefix}${safeError(error).message}`);
        if (isLate && this.#pagesRead === 0)
          this.#firstError = new KubeError("REQUEST_DEADLINE", `not read within ${seconds} s`);
        if (isLate) break;
      }
      void ahead.get(i)?.then(
        (page) => page.release(),
        () => undefined,
      );
      ahead.delete(i);
      if (this.#isFull()) break;
    }
    this.#late.abort();
    for (const page of ahead.values())
      void page.then(
        ({ release }) => release(),
        () => undefined,
      );
  }

  #say(problem: string): void {
    if (this.#problems.length < maxProblems) this.#problems.push(problem);
  }

  /** Whether more pages could change nothing: every source has its rows and knows that there were more. */
  #isFull(): boolean {
    return this.#taken.every(({ cut }) => cut);
  }

  async #readList(path: string, first: Promise<Page> | undefined): Promise<void> {
    const before = this.#taken.map(({ parts, rows, cut }) => ({ parts: [...parts], rows, cut }));
    let token = "";
    let restarts = 0;
    let prefetched = first;
    for (let asked = 0; asked < maxPages; asked++) {
      const given = prefetched;
      prefetched = undefined;
      try {
        token = await this.#readPage(this.#query(path, token), given);
      } catch (error) {
        if (token === "" || restarts >= 1 || !isKubeError(error, "GONE")) throw error;
        restarts++;
        token = "";
        for (const [i, taken] of this.#taken.entries()) Object.assign(taken, before[i]);
        continue;
      }
      if (token === "" || this.#isFull()) return;
    }
    throw new KubeError("TOO_MANY_OBJECTS", `the list is longer than ${maxPages} pages`);
  }

  /** One page into every source that wants more. Returns its continue token. */
  async #readPage(query: string, given: Promise<Page> | undefined): Promise<string> {
    let page = given;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#take(await (page ?? this.#get(query, this.#ports.room)));
      } catch (error) {
        page = undefined;
        await this.#pause(error, attempt);
      }
    }
  }

  /** Waits before another try; throws the error where there is none, or no time for it. */
  async #pause(error: unknown, attempt: number): Promise<void> {
    const isWorthIt = ClusterPulseError.is(error) && transient.has(error.code);
    if (!isWorthIt || attempt > this.#request.retryAttempts || this.#signal.aborted) throw error;
    const { clock, random } = this.#ports;
    const asked = error instanceof KubeError ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = Math.max(asked, fullJitterMs(backoff, attempt, random));
    if (clock.monotonicMs() + waitMs >= this.#endsAtMs) throw error;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        cancel();
        this.#signal.removeEventListener("abort", done);
        resolve();
      };
      const cancel = clock.setTimer(done, waitMs);
      this.#signal.addEventListener("abort", done, { once: true });
    });
    if (this.#signal.aborted) throw error;
  }

  #query(path: string, token: string): string {
    const { batchSize, labelSelector } = this.#request;
    const selector = labelSelector === "" ? "" : `&labelSelector=${encodeURIComponent(labelSelector)}`;
    return `${path}?limit=${batchSize}${selector}${token === "" ? "" : `&continue=${encodeURIComponent(token)}`}`;
  }

  async #get(query: string, room: AnswerRoom): Promise<Page> {
    const { transport } = this.#ports;
    const { accept } = this.#request;
    const signal = this.#signal;
    const { answer, release } = await askWithRoom(
      (grant) => {
        this.#requests++;
        return transport.get(query, { accept, signal, ...grant });
      },
      room,
      { expectedBytes: 2 * this.#largestPageBytes, maxBytes: maxPageBytes },
      signal,
    );
    const { bytes, encoding, contentType } = answer;
    this.#largestPageBytes = Math.max(this.#largestPageBytes, bytes.byteLength);
    const format = contentType.trim().toLowerCase().startsWith(PROTOBUF_TYPE) ? "protobuf" : "json";
    return { body: { bytes, encoding, format }, release };
  }

  async #take({ body, release }: Page): Promise<string> {
    try {
      const wanting = this.#taken.filter(({ cut }) => !cut);
      const sources = wanting.map(({ source, maxResources, rows }) => ({ source, maxRows: maxResources - rows }));
      const page = await this.#ports.extract(body, sources, this.#signal);
      this.#pagesRead++;
      this.#objects += page.objects;
      this.#bytes += page.bytes;
      for (const [i, taken] of wanting.entries()) {
        const share = page.shares[i];
        if (share === undefined) continue;
        taken.parts.push(share.part);
        taken.rows += share.rows;
        taken.cut = share.cut;
      }
      return page.continueToken;
    } finally {
      release();
    }
  }
}

interface Page {
  readonly body: ResponseBody;
  /** To be called when its bytes are gone; more than once does nothing. */
  readonly release: () => void;
}
