export interface ReferenceRow {
  readonly values: Readonly<Record<string, unknown>>;
}
type Aggregate = (
  rows: readonly ReferenceRow[],
  keep?: (row: ReferenceRow) => boolean,
  groupOf?: (row: ReferenceRow) => unknown,
) => unknown;
/** By function, over one field. */
export const aggregates: (field: string, percent?: number) => Readonly<Record<string, Aggregate>>;
