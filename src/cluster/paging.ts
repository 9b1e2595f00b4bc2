// How large the pages of each list of one cluster were, so that room can be taken for the next before it is asked for. Outlives
// collections, also those that fail. Small: one entry for each list that is read.

/** Of a list that was never read. */
const FIRST_PAGE_BYTES = 1024 * 1024;

export class Paging {
  /** The size of the newest page that says most, by path. */
  readonly #bytes = new Map<string, number>();

  /** What the next page of the list is likely to take at most. */
  expectedBytes(list: string): number {
    const bytes = this.#bytes.get(list);
    return bytes === undefined ? FIRST_PAGE_BYTES : 2 * bytes;
  }

  /** The first page of a list, or one that is larger than those before. */
  learned(list: string, bytes: number, isFirst: boolean): void {
    if (isFirst || bytes > (this.#bytes.get(list) ?? 0)) this.#bytes.set(list, bytes);
  }
}
