// The one engine: pages of a list in, finished rows out. Pure, and the same for pool, preview, agent and API. A row is extracted, computed
// and written in one pass; who aggregates sees each row once, in order. What one object lacks or breaks is null in its row, and counted.
import { aggregatesJson } from "./aggregate/aggregate.ts";
import type { CompiledSource } from "./compiled.ts";
import { ExpressionLimitError } from "./expression/limits.ts";
import type { RowReader, RowSink } from "./row-reader.ts";
import { RowWriter } from "./row-writer.ts";
import type { Row, Value } from "./value.ts";

export type { PageEnd, RowReader, RowSink } from "./row-reader.ts";

/** How often a field's path led where. */
export interface FieldCounts {
  found: number;
  /** Found, and explicitly null. */
  nulls: number;
  nowhere: number;
  /** Found, but not convertible to the field's type. */
  unconvertible: number;
}

/** What one page gave. */
export interface PageRows {
  /** JSON texts of the rows, separated by commas; empty for none. */
  readonly rows: Uint8Array<ArrayBuffer>;
  readonly count: number;
  /** An object beyond `room` matched: the list is truncated. */
  readonly isTruncated: boolean;
  /** Objects that are none, or have no name. */
  readonly skipped: number;
  /** In the fields' order. */
  readonly fields: readonly FieldCounts[];
  /** Evaluations that a limit stopped, by computed value. */
  readonly stopped: readonly number[];
  readonly continueToken: string;
  readonly remainingItemCount: number | null;
}

export interface PageRequest {
  readonly page: Buffer;
  /** How many rows are still wanted; one more that matches makes the list truncated. */
  readonly room: number;
  /** The instant of the collection, epoch milliseconds. */
  readonly nowMs: number;
  /** Sees every row, valid during the call only. */
  readonly onRow?: (row: Row) => void;
}

/** Reads one page. Throws BODY_MALFORMED for a page that is no list. */
export function readPage(source: CompiledSource, reader: RowReader, request: PageRequest): PageRows {
  const { fields, computed, definition } = source;
  const { room, nowMs, onRow } = request;
  const isNamespaced = definition.source.scope === "Namespaced";
  const writer = new RowWriter([...fields, ...computed].map(({ name }) => name));
  const counts = fields.map((): FieldCounts => ({ found: 0, nulls: 0, nowhere: 0, unconvertible: 0 }));
  const stopped = computed.map(() => 0);
  const row: Value[] = new Array<Value>(fields.length + computed.length).fill(null);
  let count = 0;
  let skipped = 0;
  let isTruncated = false;

  const extract = (at: number, found: unknown): Value => {
    const field = fields[at] as (typeof fields)[number];
    const count = counts[at] as FieldCounts;
    if (found === undefined) {
      count.nowhere++;
      return field.fallback;
    }
    count.found++;
    if (found === null) {
      count.nulls++;
      return null;
    }
    const value = field.convert(found);
    if (value !== undefined) return value;
    count.unconvertible++;
    return field.fallback;
  };
  const compute = (at: number): Value => {
    try {
      return (computed[at] as (typeof computed)[number]).evaluate(row, nowMs);
    } catch (error) {
      if (!(error instanceof ExpressionLimitError)) throw error;
      stopped[at] = (stopped[at] ?? 0) + 1;
      return null;
    }
  };
  const sink: RowSink = {
    wants: source.wantsNamespace,
    skip: () => void skipped++,
    take(namespace, name, labels, found) {
      if (count >= room) {
        isTruncated = true;
        return false;
      }
      for (let at = 0; at < fields.length; at++) row[at] = extract(at, found[at]);
      for (let at = 0; at < computed.length; at++) row[fields.length + at] = null;
      for (let at = 0; at < computed.length; at++) row[fields.length + at] = compute(at);
      onRow?.(row);
      writer.write(isNamespaced ? namespace : "", name, labels, row);
      count++;
      return true;
    },
  };
  const end = reader.read(request.page, sink);
  return { rows: writer.finish(), count, isTruncated, skipped, fields: counts, stopped, ...end };
}

/** What a whole list gave: the parts that documents are made of. */
export interface CollectedList {
  /** Rows of each page, as in {@link PageRows}, without the empty ones. */
  readonly rows: readonly Uint8Array<ArrayBuffer>[];
  readonly count: number;
  readonly isTruncated: boolean;
  readonly skipped: number;
  readonly fields: readonly FieldCounts[];
  /** JSON object of the aggregates by name; null where the source has none. */
  readonly aggregates: string | null;
}

/**
 * Reads the pages of one list, in order, on the calling thread. Stops after the first page that passed `maxResources`; a list that ends
 * exactly there is not truncated.
 */
export function collectList(
  source: CompiledSource,
  reader: RowReader,
  pages: Iterable<Buffer>,
  nowMs: number,
): CollectedList {
  const pass = source.aggregation.start();
  const fields = source.fields.map((): FieldCounts => ({ found: 0, nulls: 0, nowhere: 0, unconvertible: 0 }));
  const rows: Uint8Array<ArrayBuffer>[] = [];
  let count = 0;
  let skipped = 0;
  let isTruncated = false;
  for (const page of pages) {
    const room = source.definition.collection.maxResources - count;
    const read = readPage(source, reader, { page, room, nowMs, onRow: (row) => pass.add(row) });
    if (read.count > 0) rows.push(read.rows);
    count += read.count;
    skipped += read.skipped;
    read.fields.forEach((counts, at) => {
      addCounts(fields[at] as FieldCounts, counts);
    });
    isTruncated = read.isTruncated;
    if (isTruncated) break;
  }
  const aggregates = source.definition.aggregations.length === 0 ? null : aggregatesJson(pass.results());
  return { rows, count, isTruncated, skipped, fields, aggregates };
}

/** Adds what another page counted. */
export function addCounts(sum: FieldCounts, more: Readonly<FieldCounts>): void {
  sum.found += more.found;
  sum.nulls += more.nulls;
  sum.nowhere += more.nowhere;
  sum.unconvertible += more.unconvertible;
}
