// Prometheus text written by hand: for series by cluster and kind, of which there are thousands, this takes a tenth of a registry's time.

export type MetricType = "gauge" | "counter";
export type Labels = Readonly<Record<string, string>>;

/**
 * One metric with its samples, in the text format 0.0.4. Label values may be anything; names are ours.
 * Without samples only the head is written, so that the metric is known to exist.
 */
export function seriesText(
  name: string,
  type: MetricType,
  help: string,
  samples: readonly (readonly [labels: Labels, value: number])[],
): string {
  let text = `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
  for (const [labels, value] of samples) text += `${name}${labelsText(labels)} ${numberText(value)}\n`;
  return text;
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
