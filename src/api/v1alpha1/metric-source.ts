// MetricSource: the definition's types. Whether paths, expressions and references make sense is for the compiler to say.
import {
  type MetricSource,
  type MetricSourceSpec,
  type MetricSourceStatus,
  metricSourceSchema,
} from "./gen/metric-source.ts";
import { type Parsed, parseResource } from "./resource.ts";

export type { MetricSource, MetricSourceSpec, MetricSourceStatus };

/**
 * The typed object, or every problem found. The definition's defaults within `collection` and `rbac` apply only where those are given;
 * a field's absent `default` stays absent, an empty one stays empty.
 */
export function parseMetricSource(value: unknown): Parsed<MetricSource> {
  return parseResource<MetricSourceSpec, MetricSourceStatus>(metricSourceSchema, value);
}
