// All aggregations of a MetricSource in one pass over its rows. Aggregations that filter and group alike share the filter and the groups.
// Lenient where the original is: a name that nobody declared is a value that is never there (checkAggregations says so beforehand).
// Groups are bounded; rows of groups past the bound are left out and counted. A run starts empty, so a bound that is no longer passed is
// forgotten. Results do not depend on how rows were split into pages, except for the last bits of sums.
import { toText } from "../coercions.ts";
import type { Environment, Row, Value } from "../value.ts";
import { type Accumulator, type Aggregate, createAccumulator } from "./accumulators.ts";
import { type AggregationDefinition, defaultMaxGroups, defaultPercentile } from "./definition.ts";
import { compileFilter } from "./filter.ts";

/** The group of rows without a value to group by. */
export const unknownGroup = "_unknown_";

/** Results by the aggregation's name, in the order of their definition; by group, in the order of their texts, where it groups. */
export type Aggregates = ReadonlyMap<string, Aggregate | ReadonlyMap<string, Aggregate>>;

/** How an aggregation stands to the bound of its groups. */
export interface GroupUse {
  readonly name: string;
  readonly groups: number;
  readonly maxGroups: number;
  /** Rows left out because their group came after the bound. */
  readonly rowsCut: number;
  readonly level: "warning" | "cut";
}

/** What a pass has gathered, as plain data: for another thread's pass over the same aggregations. */
export type PartialAggregates = readonly {
  readonly keys: readonly string[];
  /** By group. */
  readonly rows: readonly number[];
  readonly rowsCut: number;
  /** By function, then by group. */
  readonly states: readonly (readonly unknown[])[];
}[];

/** Gathers rows. */
export interface AggregationPass {
  add(row: Row): void;
  /** Adds what another pass over the same aggregations has gathered, as if its rows came after these. */
  merge(partial: PartialAggregates): void;
  partial(): PartialAggregates;
  results(): Aggregates;
  /** The aggregations that use 80 % of their groups or more. */
  groupUse(): readonly GroupUse[];
}

/** Compiled aggregations; every pass starts empty. */
export interface Aggregation {
  start(): AggregationPass;
}

interface Output {
  readonly name: string;
  readonly function: string;
  readonly percentile: number;
  /** noSlot where there is no such name. */
  readonly slot: number;
}

/** What is filtered and grouped alike. */
interface LanePlan {
  readonly filterSlot: number;
  readonly accepts: ((value: Value) => boolean) | undefined;
  readonly isGrouped: boolean;
  readonly groupSlot: number;
  readonly outputs: Output[];
}

/** A slot that no row has: what is there is null. */
const noSlot = 1e9;

/** Compiles aggregations over the names of an environment. Of several with one name the last counts. Never throws. */
export function compileAggregations(
  definitions: readonly AggregationDefinition[],
  environment: Environment,
  maxGroups: number = defaultMaxGroups,
): Aggregation {
  const slotOf = (name: string | undefined): number => environment.get(name ?? "")?.slot ?? noSlot;
  const named = new Map(definitions.map((definition) => [definition.name, definition]));
  const plans = new Map<string, LanePlan>();
  for (const { name, function: fn, field, filter, groupBy, percentile } of named.values()) {
    const isGrouped = (groupBy ?? "") !== "";
    const key = JSON.stringify([filter?.field, filter?.operator, filter?.value, isGrouped ? groupBy : null]);
    let plan = plans.get(key);
    if (plan === undefined) {
      plan = {
        filterSlot: slotOf(filter?.field),
        accepts: filter === undefined ? undefined : compileFilter(filter),
        isGrouped,
        groupSlot: slotOf(groupBy),
        outputs: [],
      };
      plans.set(key, plan);
    }
    plan.outputs.push({ name, function: fn, percentile: percentile ?? defaultPercentile, slot: slotOf(field) });
  }
  const lanes = [...plans.values()];
  const names = [...named.keys()];
  return { start: () => new Pass(lanes, names, maxGroups) };
}

class Pass implements AggregationPass {
  private readonly lanes: readonly Lane[];
  private readonly names: readonly string[];

  constructor(plans: readonly LanePlan[], names: readonly string[], maxGroups: number) {
    this.lanes = plans.map((plan) => new Lane(plan, maxGroups));
    this.names = names;
  }

  add(row: Row): void {
    for (const lane of this.lanes) lane.add(row);
  }

  merge(partial: PartialAggregates): void {
    this.lanes.forEach((lane, i) => {
      const other = partial[i];
      if (other !== undefined) lane.merge(other);
    });
  }

  partial(): PartialAggregates {
    return this.lanes.map((lane) => lane.partial());
  }

  results(): Aggregates {
    const results = new Map(this.lanes.flatMap((lane) => lane.results()));
    return new Map(this.names.map((name) => [name, results.get(name) ?? null]));
  }

  groupUse(): readonly GroupUse[] {
    return this.lanes.flatMap((lane) => lane.groupUse());
  }
}

class Lane {
  private readonly outputs: readonly Output[];
  private readonly filterSlot: number;
  private readonly accepts: ((value: Value) => boolean) | undefined;
  private readonly isGrouped: boolean;
  private readonly groupSlot: number;
  private readonly maxGroups: number;
  private readonly groups = new Map<string, number>();
  /** By group. */
  private readonly rows: number[] = [];
  /** Of the outputs that need one, with the slots that they read. */
  private readonly accumulators: Accumulator[] = [];
  private readonly slots: number[] = [];
  private rowsCut = 0;

  constructor(plan: LanePlan, maxGroups: number) {
    this.outputs = plan.outputs;
    this.filterSlot = plan.filterSlot;
    this.accepts = plan.accepts;
    this.isGrouped = plan.isGrouped;
    this.groupSlot = plan.groupSlot;
    this.maxGroups = maxGroups;
    for (const output of plan.outputs) {
      if (output.function === "count") continue;
      this.accumulators.push(createAccumulator(output.function, output.percentile));
      this.slots.push(output.slot);
    }
    if (!plan.isGrouped) this.open("");
  }

  add(row: Row): void {
    if (this.accepts !== undefined && !this.accepts(row[this.filterSlot] ?? null)) return;
    let group = 0;
    if (this.isGrouped) {
      const value = row[this.groupSlot] ?? null;
      const known = this.group(typeof value === "string" ? value : value === null ? unknownGroup : toText(value));
      if (known === undefined) {
        this.rowsCut++;
        return;
      }
      group = known;
    }
    this.rows[group] = (this.rows[group] as number) + 1;
    const { accumulators, slots } = this;
    for (let i = 0; i < accumulators.length; i++) {
      (accumulators[i] as Accumulator).add(group, row[slots[i] as number] ?? null);
    }
  }

  /** The number of a group, a new one within the bound. */
  private group(key: string): number | undefined {
    const group = this.groups.get(key);
    return group === undefined && this.groups.size < this.maxGroups ? this.open(key) : group;
  }

  private open(key: string): number {
    const group = this.groups.size;
    this.groups.set(key, group);
    this.rows.push(0);
    return group;
  }

  merge({ keys, rows, rowsCut, states }: PartialAggregates[number]): void {
    this.rowsCut += rowsCut;
    keys.forEach((key, theirs) => {
      const group = this.group(key);
      const count = rows[theirs] ?? 0;
      if (group === undefined) {
        this.rowsCut += count;
        return;
      }
      this.rows[group] = (this.rows[group] ?? 0) + count;
      this.accumulators.forEach((accumulator, i) => void accumulator.absorb(group, states[i]?.[theirs]));
    });
  }

  partial(): PartialAggregates[number] {
    const keys = [...this.groups.keys()];
    const states = this.accumulators.map((accumulator) => keys.map((_, group) => accumulator.state(group)));
    return { keys, rows: keys.map((_, group) => this.rows[group] ?? 0), rowsCut: this.rowsCut, states };
  }

  results(): [string, Aggregate | ReadonlyMap<string, Aggregate>][] {
    const keys = [...this.groups].toSorted(([a], [b]) => (a < b ? -1 : 1));
    let next = 0;
    return this.outputs.map(({ name, function: fn }) => {
      const accumulator = fn === "count" ? undefined : this.accumulators[next++];
      const finish = (group: number): Aggregate =>
        accumulator === undefined ? (this.rows[group] ?? 0) : accumulator.finish(group);
      return [name, this.isGrouped ? new Map(keys.map(([key, group]) => [key, finish(group)])) : finish(0)];
    });
  }

  groupUse(): GroupUse[] {
    const groups = this.groups.size;
    if (!this.isGrouped || groups < 0.8 * this.maxGroups) return [];
    const { maxGroups, rowsCut } = this;
    return this.outputs.map(({ name }) => ({
      name,
      groups,
      maxGroups,
      rowsCut,
      level: rowsCut > 0 ? ("cut" as const) : ("warning" as const),
    }));
  }
}

/** The results as JSON text. Members keep the order of the maps, and any text may be a member, also `__proto__`. */
export function aggregatesJson(aggregates: Aggregates): string {
  const scalar = (value: Aggregate): string => (typeof value === "bigint" ? String(value) : JSON.stringify(value));
  const object = (members: Iterable<readonly [string, string]>): string =>
    `{${Array.from(members, ([name, json]) => `${JSON.stringify(name)}:${json}`).join(",")}}`;
  return object(
    Array.from(aggregates, ([name, value]) => [
      name,
      value instanceof Map
        ? object(Array.from(value, ([key, result]) => [key, scalar(result)]))
        : scalar(value as Aggregate),
    ]),
  );
}
