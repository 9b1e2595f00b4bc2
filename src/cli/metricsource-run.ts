// metricsource run FILE: a preview of the MetricSources in a file against live clusters. Nothing is stored; nothing but GETs is sent.
import { readFileSync, statSync } from "node:fs";
import { parseAllDocuments, stringify } from "yaml";
import { parseMetricSource } from "../api/v1alpha1/metric-source.ts";
import { loadHubKubeconfig } from "../kube/kubeconfig.ts";
import { createTransport } from "../kube/transport.ts";
import { type CompiledSource, compileMetricSource } from "../metric-source/compiled.ts";
import { type Preview, previewSource } from "../metric-source/preview.ts";
import { systemClock } from "../support/clock.ts";
import { InvalidInputError, safeError } from "../support/errors.ts";
import { seededRandom } from "../support/random.ts";

export const previewFormats = ["table", "json", "yaml"] as const;

export interface RunOptions {
  readonly file: string;
  readonly kubeconfig: string | undefined;
  /** Empty: the current one. */
  readonly contexts: readonly string[];
  /** Instead of the namespaces that the file names. */
  readonly namespace: string | undefined;
  readonly format: (typeof previewFormats)[number];
  /** Rows that are shown of each cluster; the sums are over all of them. */
  readonly limit: number;
  readonly version: string;
}

const maxFileBytes = 1024 * 1024;

/** Prints what each source gives in each context. False: some could not be read, and why was said on stderr. */
export async function runFile(options: RunOptions): Promise<boolean> {
  const sources = readSources(options.file, options.namespace);
  const contexts = options.contexts.length > 0 ? options.contexts : [undefined];
  const shown: Record<string, unknown>[] = [];
  let isWhole = true;
  for (const context of contexts) {
    const { credentials } = await loadHubKubeconfig({ path: options.kubeconfig, context, env: process.env });
    const transport = createTransport(credentials, { requestTimeoutMs: 60_000 }, `clusterpulse-hub/${options.version}`);
    try {
      for (const source of sources) {
        const place = `${source.definition.name} in ${context ?? "the current context"}`;
        try {
          const ports = { transport, clock: systemClock, random: seededRandom(process.pid) };
          const preview = await previewSource(source, ports, new AbortController().signal);
          const result = shownOf(source, context, preview, options.limit);
          if (options.format === "table") process.stdout.write(tableOf(place, result));
          else shown.push(result);
          for (const problem of preview.problems) process.stderr.write(`${place}: ${problem}\n`);
          if (preview.problems.length > 0) isWhole = false;
        } catch (error) {
          process.stderr.write(`${place}: ${safeError(error).message}\n`);
          isWhole = false;
        }
      }
    } finally {
      await transport.close();
    }
  }
  if (options.format === "json") process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
  if (options.format === "yaml") process.stdout.write(stringify(shown));
  return isWhole;
}

function readSources(file: string, namespace: string | undefined): CompiledSource[] {
  let text: string;
  try {
    if (statSync(file).size > maxFileBytes)
      throw new InvalidInputError([`${file} is larger than ${maxFileBytes} bytes`]);
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw error instanceof InvalidInputError ? error : new InvalidInputError([`${file} cannot be read`]);
  }
  const problems: string[] = [];
  const sources = [...parseAllDocuments(text)].flatMap((document) => {
    if (document.errors.length > 0 || document.get("kind") !== "MetricSource") return [];
    const value = document.toJS({ maxAliasCount: 100 }) as { metadata?: object };
    const parsed = parseMetricSource({ ...value, metadata: { namespace: "default", ...value.metadata } });
    if (!parsed.ok) {
      problems.push(...parsed.problems);
      return [];
    }
    const { spec, metadata } = parsed.value;
    const source = namespace === undefined ? spec.source : { ...spec.source, namespaces: { include: [namespace] } };
    const input = {
      metadata: { name: metadata.name, namespace: metadata.namespace ?? "default" },
      spec: { ...spec, source },
    };
    const result = compileMetricSource(input);
    if (result.ok) return [result.source];
    problems.push(...result.problems.map(({ field, message }) => `${field} ${message}`));
    return [];
  });
  if (problems.length > 0) throw new InvalidInputError(problems);
  if (sources.length === 0) throw new InvalidInputError([`${file} holds no object of kind MetricSource`]);
  return sources;
}

interface Shown extends Record<string, unknown> {
  readonly rows: readonly ShownRow[];
  readonly aggregates: unknown;
  readonly resourceCount: number;
  readonly truncated: boolean;
  readonly unresolved: readonly string[];
  readonly cost: Preview["cost"];
}

interface ShownRow {
  readonly _id: string;
  readonly values: Readonly<Record<string, unknown>>;
}

function shownOf(source: CompiledSource, context: string | undefined, preview: Preview, limit: number): Shown {
  const rows: ShownRow[] = [];
  for (const part of preview.rows) {
    if (rows.length >= limit) break;
    rows.push(...(JSON.parse(`[${Buffer.from(part).toString()}]`) as ShownRow[]));
  }
  const { resourceCount, truncated, problems, cost } = preview;
  const unresolved = source.fields.filter((_field, i) => resourceCount > 0 && preview.fields[i]?.found === 0);
  return {
    source: source.definition.name,
    context: context ?? null,
    resourceCount,
    truncated,
    problems,
    unresolved: unresolved.map(({ name }) => name),
    rows: rows.slice(0, limit),
    aggregates: plain(preview.aggregates),
    cost: { ...cost, cpuMs: Math.round(cost.cpuMs * 10) / 10 },
  };
}

const plain = (value: unknown): unknown =>
  value instanceof Map ? Object.fromEntries([...value].map(([name, member]) => [name, plain(member)])) : value;

function tableOf(place: string, { rows, aggregates, resourceCount, truncated, unresolved, cost }: Shown): string {
  const names = Object.keys(rows[0]?.values ?? {});
  const cell = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
  const lines = [
    ["NAME", ...names.map((name) => name.toUpperCase())],
    ...rows.map((row) => [row._id, ...names.map((name) => cell(row.values[name]))]),
  ];
  const widths = (lines[0] ?? []).map((_head, at) =>
    Math.min(60, Math.max(...lines.map((line) => line[at]?.length ?? 0))),
  );
  const table = lines.map((line) =>
    line
      .map((text, at) => text.slice(0, 60).padEnd(widths[at] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const cut = truncated ? ", cut at maxResources" : "";
  return [
    `${place}: ${resourceCount} resources${cut}, ${rows.length} shown`,
    ...(rows.length > 0 ? table : []),
    ...Object.entries(aggregates as Record<string, unknown>).map(
      ([name, value]) => `  ${name} = ${JSON.stringify(value)}`,
    ),
    ...unresolved.map((name) => `  warning: the path of ${name} led nowhere in all ${resourceCount} resources`),
    `  cost: ${cost.requests} requests, ${cost.objects} objects, ${cost.bytes} bytes read, ${cost.storedBytes} bytes of rows, ${cost.cpuMs} ms`,
    "",
    "",
  ].join("\n");
}
