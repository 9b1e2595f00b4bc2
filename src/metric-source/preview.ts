// What a MetricSource would collect of one cluster, without a hub and without storing anything: the same lists, engine and aggregates as in
// a hub, on the calling thread. Guarantees: nothing but GETs; bounded like a collection. A page that hurts hurts the caller: for tools only.
import { boundlessRoom } from "../kube/answer-room.ts";
import { Discovery } from "../kube/discovery.ts";
import { inflate, MAX_INFLATED_BYTES } from "../kube/list-page.ts";
import { PROTOBUF_TYPE } from "../kube/protobuf/envelope.ts";
import type { KubeTransport } from "../kube/transport.ts";
import type { Clock } from "../support/clock.ts";
import type { Random } from "../support/random.ts";
import type { Aggregates } from "./aggregate/aggregate.ts";
import { collectList, type ExtractPage } from "./collect.ts";
import type { CompiledSource } from "./compiled.ts";
import { type FieldCounts, type PageRows, readPage } from "./engine.ts";
import { createJsonReader } from "./json-reader.ts";
import { locate } from "./locate.ts";
import { listsOf, termsOf } from "./plan.ts";
import { createProtobufReader, laneOf } from "./protobuf-lane.ts";

export interface Preview {
  /** JSON text of each page's rows, separated by commas. */
  readonly rows: readonly Uint8Array[];
  readonly resourceCount: number;
  readonly truncated: boolean;
  readonly problems: readonly string[];
  readonly aggregates: Aggregates;
  /** In the fields' order: how often each path led where. */
  readonly fields: readonly Readonly<FieldCounts>[];
  readonly cost: {
    readonly requests: number;
    /** Taken, or passed over because they could not be read. */
    readonly objects: number;
    /** Of the answers, without compression. */
    readonly bytes: number;
    readonly storedBytes: number;
    /** Spent in reading, computing and summing up. */
    readonly cpuMs: number;
  };
}

export interface PreviewPorts {
  readonly transport: Pick<KubeTransport, "get">;
  readonly clock: Clock;
  readonly random: Random;
}

/** Collects once. Throws what `locate` and `collectList` throw. */
export async function previewSource(
  source: CompiledSource,
  { transport, clock, random }: PreviewPorts,
  signal: AbortSignal,
): Promise<Preview> {
  const { definition } = source;
  const { maxResources } = definition.collection;
  const key = `${definition.namespace}/${definition.name}`;
  const [list] = listsOf([{ ...definition.source, key, revision: source.hash, collection: definition.collection }]);
  if (list === undefined) throw new TypeError("a source without a list");
  const place = await locate(list, new Discovery(transport, { clock }), signal);
  const lane = laneOf(source);
  const isProtobuf = lane.lane === "protobuf" && place.hasProtobuf;
  const resolvers = source.fields.map(({ resolve }) => resolve);
  const json = createJsonReader(resolvers);
  const protobuf = lane.lane === "protobuf" ? createProtobufReader(lane.list, resolvers) : json;
  const nowMs = clock.nowMs();
  let cpuMs = 0;
  const extract: ExtractPage<CompiledSource, PageRows> = async (body, sources) => {
    const startedMs = clock.monotonicMs();
    const page = inflate(body, MAX_INFLATED_BYTES);
    const reader = body.format === "protobuf" ? protobuf : json;
    let seen = 0;
    const shares = sources.map(({ maxRows }) => {
      const rows = readPage(source, reader, { page, room: maxRows, nowMs, onRow: (row) => pass.add(row) });
      seen = rows.count + rows.skipped;
      return { part: rows, rows: rows.count, cut: rows.isTruncated, continueToken: rows.continueToken };
    });
    cpuMs += clock.monotonicMs() - startedMs;
    return { continueToken: shares[0]?.continueToken ?? "", objects: seen, bytes: page.byteLength, shares };
  };
  const pass = source.aggregation.start();
  const request = {
    ...place,
    ...termsOf(list.sources),
    namespaces: list.namespaces,
    labelSelector: list.labelSelector,
    accept: isProtobuf ? `${PROTOBUF_TYPE},application/json` : "application/json",
    sources: [{ source, maxResources }],
  };
  const ports = { transport, extract, clock, random, room: boundlessRoom, aheadRoom: boundlessRoom };
  const collected = await collectList(request, ports, signal);
  const [own] = collected.sources;
  const parts = own?.parts ?? [];
  const rows = parts.map((part) => part.rows);
  const counts = source.fields.map((_field, i) => sumOf(parts.map((part) => part.fields[i])));
  const { requests, objects, bytes, problems } = collected;
  const storedBytes = rows.reduce((sum, { byteLength }) => sum + byteLength, 0);
  return {
    rows,
    resourceCount: own?.resourceCount ?? 0,
    truncated: own?.truncated ?? false,
    problems,
    aggregates: pass.results(),
    fields: counts,
    cost: { requests, objects, bytes, storedBytes, cpuMs },
  };
}

function sumOf(counts: readonly (FieldCounts | undefined)[]): FieldCounts {
  const sum: FieldCounts = { found: 0, nulls: 0, nowhere: 0, unconvertible: 0 };
  for (const count of counts) {
    if (count === undefined) continue;
    sum.found += count.found;
    sum.nulls += count.nulls;
    sum.nowhere += count.nowhere;
    sum.unconvertible += count.unconvertible;
  }
  return sum;
}
