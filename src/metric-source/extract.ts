// One page of a list for all sources that share it: bytes in, each source's finished rows, partial aggregates and cost out. Guarantees: equal to
// what the engine gives for that page and source, whichever lane the server's answer takes; no source gets more rows than it asked for.
// JSON is parsed once for all of them. Compiled sources are kept by hash, a bounded number of them. Pure but for that cache and the clock that it is given.
import { bodyMalformed, inflate, type ResponseBody } from "../kube/list-page.ts";
import type { PartialAggregates } from "./aggregate/aggregate.ts";
import type { ExtractedPage } from "./collect.ts";
import { type CompiledSource, compileDefinition } from "./compiled.ts";
import type { SourceDefinition } from "./definition.ts";
import { type FieldCounts, readPage } from "./engine.ts";
import { parseJsonPage, readJsonPage } from "./json-reader.ts";
import { createProtobufReader, laneOf } from "./protobuf-lane.ts";
import type { Resolve } from "./resolve.ts";
import type { RowReader } from "./row-reader.ts";

export interface ExtractInput {
  readonly body: ResponseBody;
  readonly sources: readonly {
    readonly definition: SourceDefinition;
    /** Of the definition, as compiling it gave. */
    readonly hash: string;
    /** Rows that it may still take. */
    readonly maxRows: number;
  }[];
  /** The instant of the collection, epoch milliseconds. */
  readonly nowMs: number;
  /** One of them has harmed its thread before: the page is read last, and never two such at once. */
  readonly isSuspect: boolean;
}

/** What one page gave one source. */
export interface ExtractedPart {
  /** JSON texts of the rows, separated by commas; empty for none. */
  readonly rows: Uint8Array;
  /** To be merged, in the pages' order, by a pass over the same aggregations. */
  readonly partial: PartialAggregates;
  /** Objects that are none, or have no name. */
  readonly skipped: number;
  /** In the fields' order. */
  readonly fields: readonly FieldCounts[];
  /** Evaluations that a limit stopped, by computed value. */
  readonly stopped: readonly number[];
  /** Time on the thread, with its part of what sources share. */
  readonly cpuMs: number;
}

interface Ready {
  readonly source: CompiledSource;
  readonly resolvers: readonly Resolve[];
  /** Undefined for a source of the JSON lane. */
  readonly protobuf: RowReader | undefined;
}

const maxReady = 512;
const ready = new Map<string, Ready>();

/** Throws BODY_MALFORMED and BODY_TOO_LARGE. @param monotonicMs what cost is measured with */
export function extractPage(
  input: ExtractInput,
  maxInflatedBytes: number,
  monotonicMs: () => number,
): ExtractedPage<ExtractedPart> {
  const beganMs = monotonicMs();
  const page = inflate(input.body, maxInflatedBytes);
  const json = input.body.format === "json" ? parseJsonPage(page) : undefined;
  const sharedMs = (monotonicMs() - beganMs) / Math.max(1, input.sources.length);
  let objects = 0;
  let continueToken = "";
  const shares = input.sources.map(({ definition, hash, maxRows }) => {
    const startedMs = monotonicMs();
    const { source, resolvers, protobuf } = readyFor(definition, hash);
    const reader =
      json === undefined
        ? protobuf
        : ({ read: (_page, sink) => readJsonPage(json, resolvers, sink) } satisfies RowReader);
    if (reader === undefined) throw bodyMalformed(`a ${definition.source.kind} list as JSON`);
    const pass = source.aggregation.start();
    const seen = counted(reader);
    const read = readPage(source, seen.reader, {
      page,
      room: maxRows,
      nowMs: input.nowMs,
      onRow: (row) => pass.add(row),
    });
    objects = Math.max(objects, seen.objects());
    continueToken = read.continueToken;
    const { rows, skipped, fields, stopped } = read;
    const part = {
      rows,
      partial: pass.partial(),
      skipped,
      fields,
      stopped,
      cpuMs: sharedMs + monotonicMs() - startedMs,
    };
    return { part, rows: read.count, cut: read.isTruncated };
  });
  return { continueToken, objects, bytes: page.length, shares };
}

/** The least recently used source is forgotten when there are too many. */
function readyFor(definition: SourceDefinition, hash: string): Ready {
  let found = ready.get(hash);
  if (found === undefined) {
    const source = compileDefinition(definition);
    const resolvers = source.fields.map(({ resolve }) => resolve);
    const lane = laneOf(source);
    found = {
      source,
      resolvers,
      protobuf: lane.lane === "protobuf" ? createProtobufReader(lane.list, resolvers) : undefined,
    };
    const [oldest] = ready.keys();
    if (ready.size >= maxReady && oldest !== undefined) ready.delete(oldest);
  } else ready.delete(hash);
  ready.set(hash, found);
  return found;
}

/** The reader, and how many objects it came to. */
function counted(reader: RowReader): { readonly reader: RowReader; readonly objects: () => number } {
  let objects = 0;
  return {
    reader: {
      read: (page, sink) =>
        reader.read(page, {
          ...sink,
          wants(namespace) {
            objects++;
            return sink.wants(namespace);
          },
          skip() {
            objects++;
            sink.skip();
          },
        }),
    },
    objects: () => objects,
  };
}
