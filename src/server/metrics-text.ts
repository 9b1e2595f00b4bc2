// Prometheus text written by hand: for series by cluster and kind, of which there are thousands, this takes a tenth of a registry's time.

export type MetricType = "gauge" | "counter";
export type Labels = Readonly<Record<string, string>>;

/**
 * One metric with its samples, in the text format 0.0.4. Label values may be anything; names are ours.
 * Without samples only the head is written, so that the metric is known to exist.
 */
export function seriesText(name: string, type: MetricType, help: string, samples: Samples): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samplesText(name, samples)}`;
}

type Samples = readonly (readonly [labels: Labels, value: number])[];

/** A summary without quantiles: what its observations add up to, and how many there were. */
export function summaryText(name: string, help: string, { sum, count }: { sum: Samples; count: Samples }): string {
  const values = samplesText(`${name}_sum`, sum) + samplesText(`${name}_count`, count);
  return `# HELP ${name} ${help}\n# TYPE ${name} summary\n${values}`;
}

function samplesText(name: string, samples: Samples): string {
  return samples.map(([labels, value]) => `${name}${labelsText(labels)} ${numberText(value)}\n`).join("");
}

function labelsText(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  return String(value);
}
