// How large the pages of each list of one cluster are to be: as large as its server gives them in good time and in bounded memory. A page
// that failed for its size, or nearly did, is followed by smaller ones; a server that has been quick for a while gets larger ones again.
// Outlives collections, also those that fail. Small: one entry for each list that is read. Pure: it neither asks nor waits.
import { isKubeError } from "../kube/errors.ts";
import { ClusterPulseError } from "../support/errors.ts";

/** Of a list that was never read. */
const FIRST_PAGE_BYTES = 1024 * 1024;
/** Smaller pages would not help: they cost more requests than they save. */
export const MIN_PAGE_SIZE = 50;
/** Of the time that a request has: above the first a page was nearly too slow, below the second there is time for a larger one. */
const SLOW_SHARE = 0.5;
const QUICK_SHARE = 0.1;
/** Of the bytes that a page may have, likewise. */
const LARGE_SHARE = 0.5;
const SMALL_SHARE = 0.125;
/** A server that answers anything this slowly does not do so because of the page's size. */
const SLOWER_THAN_SMALL = 2;
/** Pages grow after so many lists in a row that were quick. */
const QUICK_LISTS = 10;
const GROWTH = 1.5;

/** What one request may take. */
export interface PageBounds {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

interface Pace {
  /** Of the first page of the newest list, or of one after it that was larger. */
  bytes: number;
  /** Objects asked for at a time; undefined: as many as usual. */
  size: number | undefined;
  quickLists: number;
}

export class Paging {
  readonly #paces = new Map<string, Pace>();
  /** How long the newest request for a single small object took. */
  #smallMs = 0;

  /** How many objects of the list to ask for, at most as many as usual. */
  sizeOf(list: string, usual: number): number {
    return Math.min(usual, this.#paces.get(list)?.size ?? usual);
  }

  /** What the next page of the list is likely to take at most. */
  expectedBytes(list: string): number {
    const bytes = this.#paces.get(list)?.bytes;
    return bytes === undefined || bytes === 0 ? FIRST_PAGE_BYTES : 2 * bytes;
  }

  /** A single small object came. */
  smallAnswered(tookMs: number): void {
    this.#smallMs = tookMs;
  }

  /** A page came. */
  answered(
    list: string,
    page: {
      readonly size: number;
      readonly bytes: number;
      readonly isFirst: boolean;
      readonly tookMs: number;
    },
    { timeoutMs, maxBytes }: PageBounds,
  ): void {
    const pace = this.#paceOf(list);
    const { size, bytes, isFirst, tookMs } = page;
    pace.bytes = isFirst ? bytes : Math.max(pace.bytes, bytes);
    const isSlow = tookMs > SLOW_SHARE * timeoutMs && tookMs > SLOWER_THAN_SMALL * this.#smallMs;
    if (isSlow || bytes > LARGE_SHARE * maxBytes) shrink(pace, size, 2);
    else if (tookMs > QUICK_SHARE * timeoutMs || bytes > SMALL_SHARE * maxBytes) pace.quickLists = -1;
  }

  /** A page of this size failed for its size. False: it was as small as pages are, and asking for less is no use. */
  failed(list: string, size: number): boolean {
    if (size <= MIN_PAGE_SIZE) return false;
    shrink(this.#paceOf(list), size, 4);
    return true;
  }

  /** The list has been read whole. */
  ended(list: string, usual: number): void {
    const pace = this.#paces.get(list);
    if (pace?.size === undefined || ++pace.quickLists < QUICK_LISTS) return;
    const size = Math.ceil(GROWTH * pace.size);
    pace.size = size < usual ? size : undefined;
    pace.quickLists = 0;
  }

  #paceOf(list: string): Pace {
    let pace = this.#paces.get(list);
    if (pace === undefined) {
      pace = { bytes: 0, size: undefined, quickLists: 0 };
      this.#paces.set(list, pace);
    }
    return pace;
  }
}

function shrink(pace: Pace, size: number, by: number): void {
  pace.size = Math.min(size, Math.max(MIN_PAGE_SIZE, Math.floor(size / by)));
  pace.quickLists = -1;
}

const tooSlow: ReadonlySet<string> = new Set(["HEADERS_TIMEOUT", "BODY_TIMEOUT", "REQUEST_DEADLINE"]);

/** Whether a smaller page may be had where this one was not: it was too large, on the wire or inflated, or took too long. */
export function failedForItsSize(error: unknown): "bytes" | "time" | undefined {
  if (!ClusterPulseError.is(error)) return undefined;
  if (error.code === "BODY_TOO_LARGE") return "bytes";
  return tooSlow.has(error.code) || (isKubeError(error) && error.httpStatus === 504) ? "time" : undefined;
}
