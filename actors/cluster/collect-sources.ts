// One list of one cluster, read for the MetricSources that share it: located, paged through the pool, merged. Guarantees: it rejects only
// when the run is aborted; every source has its own result; a run that harmed its thread is repeated for each source alone, so that only
// the guilty one is blamed. Does not: decide what is due, store, tell.
import type { Compute, Transport } from "../../src/cluster/ports.ts";
import type { AnswerRoom } from "../../src/kube/answer-room.ts";
import type { Discovery } from "../../src/kube/discovery.ts";
import { PROTOBUF_TYPE } from "../../src/kube/protobuf/envelope.ts";
import { type AggregationPass, aggregatesJson } from "../../src/metric-source/aggregate/aggregate.ts";
import { type CollectedSource, collectList, type ExtractPage } from "../../src/metric-source/collect.ts";
import type { ExtractedPart } from "../../src/metric-source/extract.ts";
import { locate } from "../../src/metric-source/locate.ts";
import { type PlannedList, termsOf } from "../../src/metric-source/plan.ts";
import { isGuilty } from "../../src/metric-source/quarantine.ts";
import type { Clock } from "../../src/support/clock.ts";
import { ClusterPulseError, safeError } from "../../src/support/errors.ts";
import type { Random } from "../../src/support/random.ts";
import type { PostedSource } from "../metric-source/board.ts";

/** What one source got of one list. */
export type SourceResult =
  | {
      readonly kind: "collected";
      readonly source: PostedSource;
      readonly rows: readonly Uint8Array[];
      readonly resources: number;
      readonly truncated: boolean;
      readonly problems: readonly string[];
      /** JSON; null where the source sums up nothing. */
      readonly aggregates: string | null;
      readonly aggregateMs: number;
      readonly cpuMs: number;
      readonly bytes: number;
      readonly objects: number;
      readonly resolved: readonly number[];
      readonly stopped: readonly number[];
      readonly groups: number;
      readonly collectedAtMs: number;
      readonly durationMs: number;
    }
  | {
      readonly kind: "failed";
      readonly source: PostedSource;
      readonly code: string;
      readonly message: string;
    };

export interface CollectSourcesPorts {
  readonly transport: Pick<Transport, "get">;
  readonly discovery: Pick<Discovery, "discover">;
  readonly compute: Compute;
  readonly clock: Clock;
  readonly random: Random;
  /** Where the memory for pages comes from, and for those that are asked for before their turn. */
  readonly room: AnswerRoom;
  readonly aheadRoom: AnswerRoom;
  /** What is held against sources in other clusters, too. It is asked before every page, and told at once: others wait for theirs. */
  readonly court: Court;
}

export interface Court {
  mayRun(source: PostedSource): boolean;
  /** It is to run alone. */
  isSuspected(source: PostedSource): boolean;
  /** A run of theirs was stopped; which of them is to blame is not known yet. */
  suspect(sources: readonly PostedSource[]): void;
  /** A run of this source alone was stopped, and that was not its first try. */
  struck(source: PostedSource, code: string): void;
}

const quarantined = "SOURCE_QUARANTINED";
const suspected = "SOURCE_SUSPECTED";

/** @param isSuspect one of the sources has harmed its thread before */
export async function collectSources(
  list: PlannedList<PostedSource>,
  isSuspect: boolean,
  ports: CollectSourcesPorts,
  signal: AbortSignal,
): Promise<readonly SourceResult[]> {
  const sources = list.sources.filter((source) => ports.court.mayRun(source));
  const left = list.sources.filter((source) => !sources.includes(source));
  return [...left.map(leftAlone), ...(await collectTrusted({ ...list, sources }, isSuspect, ports, signal))];
}

const leftAlone = (source: PostedSource): SourceResult => ({
  kind: "failed",
  source,
  code: quarantined,
  message: "left alone: its runs in other clusters had to be stopped",
});

async function collectTrusted(
  list: PlannedList<PostedSource>,
  isSuspect: boolean,
  ports: CollectSourcesPorts,
  signal: AbortSignal,
): Promise<readonly SourceResult[]> {
  const { sources } = list;
  if (sources.length === 0) return [];
  try {
    return await read(list, isSuspect, ports, signal);
  } catch (error) {
    signal.throwIfAborted();
    const { code, message } = safeError(error);
    if (code === quarantined) return await collectSources(list, isSuspect, ports, signal);
    const { court } = ports;
    const [first] = sources;
    // One that was alone already has its second chance too: a busy machine stops runs that are nobody's fault.
    const isLastTry = isSuspect && sources.length === 1;
    if (isGuilty(code)) {
      if (isLastTry && first !== undefined) court.struck(first, code);
      else court.suspect(sources);
    }
    if (isLastTry || !(isGuilty(code) || code === suspected)) {
      return sources.map((source) => ({ kind: "failed", source, code, message }));
    }
    const results: SourceResult[] = [];
    for (const source of sources) {
      results.push(...(await collectSources({ ...list, sources: [source] }, true, ports, signal)));
    }
    return results;
  }
}

async function read(
  list: PlannedList<PostedSource>,
  isSuspect: boolean,
  { transport, discovery, compute, clock, random, room, aheadRoom, court }: CollectSourcesPorts,
  signal: AbortSignal,
): Promise<readonly SourceResult[]> {
  const startedMs = clock.monotonicMs();
  const collectedAtMs = clock.nowMs();
  const place = await locate(list, discovery, signal);
  const isProtobuf = place.hasProtobuf && list.sources.every((source) => source.isProtobuf);
  const extract: ExtractPage<PostedSource, ExtractedPart> = async (body, wanting, own) => {
    if (!list.sources.every((source) => court.mayRun(source)))
      throw new ClusterPulseError(quarantined, "one of its sources is left alone");
    if (!isSuspect && list.sources.some((source) => court.isSuspected(source)))
      throw new ClusterPulseError(suspected, "its sources are to be read one by one");
    const sources = wanting.map(({ source: { compiled }, maxRows }) => {
      return { definition: compiled.definition, hash: compiled.hash, maxRows };
    });
    return await compute.run("extract", { body, sources, nowMs: collectedAtMs, isSuspect }, own);
  };
  const request = {
    ...place,
    ...termsOf(list.sources),
    namespaces: list.namespaces,
    labelSelector: list.labelSelector,
    accept: isProtobuf ? `${PROTOBUF_TYPE},application/json` : "application/json",
    sources: list.sources.map((source) => ({ source, maxResources: source.collection.maxResources })),
  };
  const collected = await collectList(request, { transport, extract, clock, random, room, aheadRoom }, signal);
  const durationMs = clock.monotonicMs() - startedMs;
  const { problems, bytes, objects } = collected;
  return collected.sources.map((one) => ({
    kind: "collected" as const,
    ...summedUp(one, clock),
    problems,
    // Each source answers for its share of what they read together.
    bytes: bytes / list.sources.length,
    objects: objects / list.sources.length,
    collectedAtMs,
    durationMs,
  }));
}

function summedUp(
  { source, parts, resourceCount, truncated }: CollectedSource<PostedSource, ExtractedPart>,
  clock: Clock,
) {
  const { compiled } = source;
  const startedMs = clock.monotonicMs();
  const pass = compiled.aggregation.start();
  for (const { partial } of parts) pass.merge(partial);
  const aggregates = compiled.definition.aggregations.length === 0 ? null : aggregatesJson(pass.results());
  const aggregateMs = clock.monotonicMs() - startedMs;
  const cpuMs = parts.reduce((sum, part) => sum + part.cpuMs, aggregateMs);
  const resolved = compiled.fields.map((_field, i) =>
    parts.reduce((sum, part) => sum + (part.fields[i]?.found ?? 0), 0),
  );
  const stopped = compiled.computed.map((_computed, i) => parts.reduce((sum, part) => sum + (part.stopped[i] ?? 0), 0));
  const rows = parts.map((part) => part.rows);
  return {
    source,
    rows,
    resources: resourceCount,
    truncated,
    aggregates,
    aggregateMs,
    cpuMs,
    resolved,
    stopped,
    groups: groupsOf(pass),
  };
}

const groupsOf = (pass: AggregationPass): number =>
  Math.max(0, ...pass.groupUse().map(({ groups, rowsCut }) => groups + (rowsCut > 0 ? 1 : 0)));
