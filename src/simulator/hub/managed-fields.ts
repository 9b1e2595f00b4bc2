// Who owns which field of an object: what a write makes of the managedFields that were there, and what an applied configuration makes of
// the object. Follows Kubernetes: an update takes what it changes, an apply owns what its configuration says, gives up what it no longer
// says, and is refused where it would change what another manager owns. One version of a kind is not converted to another.
import { isDeepStrictEqual } from "node:util";
import { ApiError, type StatusCause } from "../http/status.ts";
import {
  difference,
  type FieldSet,
  type FieldsV1,
  fromFieldsV1,
  inOrder,
  intersection,
  memberElement,
  pathText,
  toFieldsV1,
  union,
  withNamedParents,
} from "./field-set.ts";
import type { StructuralSchema } from "./structural-schema.ts";
import { changesBetween, type FieldChanges, fieldsOf, merged, without } from "./structured-merge.ts";

export interface ManagedFieldsEntry {
  readonly manager?: string;
  readonly operation?: "Apply" | "Update";
  readonly apiVersion?: string;
  readonly time?: string;
  readonly fieldsType?: string;
  readonly fieldsV1?: FieldsV1;
  readonly subresource?: string;
}

/** Who writes, and when. */
export interface FieldWriter {
  readonly manager: string;
  readonly apiVersion: string;
  /** "" for the object itself. */
  readonly subresource: string;
  readonly time: string;
}

export type ManagedFields = readonly ManagedFieldsEntry[];

/** A manager with its fields as a set. */
interface Owner {
  readonly entry: Required<Pick<ManagedFieldsEntry, "manager" | "operation" | "apiVersion">> & ManagedFieldsEntry;
  readonly fields: FieldSet;
}

const maxUpdaters = 10;

/** What the client asks managedFields to be: "clear" for a list with one empty entry, undefined where it does not ask. */
export function askedManagedFields(metadata: object): ManagedFields | "clear" | undefined {
  const asked = (metadata as { readonly managedFields?: unknown }).managedFields;
  if (!Array.isArray(asked) || asked.length === 0) return undefined;
  if (asked.length === 1 && isDeepStrictEqual(asked[0], {})) return "clear";
  // What cannot be read is as if it had not been sent.
  return ownersOf(asked as ManagedFields) === undefined ? undefined : (asked as ManagedFields);
}

/** What an update makes of the owners: who changes a field takes it, whose field is removed loses it. */
export function afterUpdate(
  entries: ManagedFields,
  before: unknown,
  after: unknown,
  schema: StructuralSchema,
  writer: FieldWriter,
): ManagedFields {
  const changes = changesBetween(ownable(before), ownable(after), schema);
  if (changes.changed.size === 0 && changes.removed.size === 0) return entries;
  const isWriter = isOwnedBy(writer, "Update");
  const owners = (ownersOf(entries) ?? []).map((owner) => {
    const fields = isWriter(owner) ? difference(owner.fields, changes.removed) : withoutChanges(owner.fields, changes);
    return { ...owner, fields };
  });
  if (changes.changed.size === 0) return entriesOf(owners);
  const own = owners.find(isWriter)?.fields ?? new Set();
  const taken = ownerOf(writer, "Update", union(own, changes.changed));
  return entriesOf([...owners.filter((owner) => !isWriter(owner)), taken]);
}

export interface ApplyRequest {
  readonly live: object | undefined;
  readonly config: object;
  readonly schema: StructuralSchema;
  readonly writer: FieldWriter;
  readonly force: boolean;
  /** Fields that may be taken from others although they conflict. */
  readonly mayTake: (path: string, owner: ManagedFieldsEntry) => boolean;
}

/** The object under the configuration, without its managedFields, and the owners after it. Throws ApiError 409 for conflicts. */
export function afterApply(entries: ManagedFields, request: ApplyRequest): { object: unknown; entries: ManagedFields } {
  const { live = {}, config, schema, writer, force, mayTake } = request;
  const isWriter = isOwnedBy(writer, "Apply");
  const owners = ownersOf(entries) ?? [];
  const last = owners.find(isWriter)?.fields ?? new Set<string>();
  const others = owners.filter((owner) => !isWriter(owner));
  const fields = difference(fieldsOf(ownable(config), schema), metadataItself);
  const owned = union(fields, ...others.map((owner) => owner.fields));
  const givenUp = difference(withNamedParents(last), withNamedParents(owned), metadataItself);
  const object = without(merged(live, config, schema), givenUp, schema);
  const changes = changesBetween(ownable(live), ownable(object), schema);
  const byManager = others.toSorted((a, b) => (a.entry.manager < b.entry.manager ? -1 : 1));
  const conflicts = byManager.flatMap((owner) =>
    inOrder(intersection(owner.fields, changes.changed)).map((path) => ({ path, owner: owner.entry })),
  );
  const refused = conflicts.filter(({ path, owner }) => !force && !mayTake(path, owner));
  if (refused.length > 0) throw applyConflict(refused);
  const left = others.map((owner) => ({ ...owner, fields: withoutChanges(owner.fields, changes) }));
  const applied = ownerOf(writer, "Apply", fields);
  const { time: _now, ...entry } = applied.entry;
  const before = owners.find(isWriter)?.entry.time;
  // Where nothing changes the time does not either; who is new then has none.
  const isSame = changes.changed.size === 0 && changes.removed.size === 0;
  const kept = { ...entry, ...(before === undefined ? {} : { time: before }) };
  return { object, entries: entriesOf([...left, isSame ? { ...applied, entry: kept } : applied]) };
}

const withoutChanges = (fields: FieldSet, { changed, removed }: FieldChanges): FieldSet =>
  difference(fields, changed, removed);

const isOwnedBy =
  (writer: FieldWriter, operation: "Apply" | "Update") =>
  ({ entry }: Owner): boolean =>
    entry.operation === operation &&
    entry.manager === writer.manager &&
    (entry.subresource ?? "") === writer.subresource &&
    // Who applies is the same in whatever version.
    (operation === "Apply" || entry.apiVersion === writer.apiVersion);

function ownerOf(writer: FieldWriter, operation: "Apply" | "Update", fields: FieldSet): Owner {
  const { manager, apiVersion, subresource, time } = writer;
  return { entry: { manager, operation, apiVersion, time, ...(subresource === "" ? {} : { subresource }) }, fields };
}

/** Undefined when an entry is not one. */
function ownersOf(entries: ManagedFields): readonly Owner[] | undefined {
  try {
    return entries.map(({ manager, operation, apiVersion, ...rest }) => {
      if (typeof manager !== "string" || typeof apiVersion !== "string") throw new TypeError("no manager");
      if (operation !== "Apply" && operation !== "Update") throw new TypeError("no operation");
      return { entry: { manager, operation, apiVersion, ...rest }, fields: fromFieldsV1(rest.fieldsV1) };
    });
  } catch {
    return undefined;
  }
}

/** Objects of one shape share one description, so that a fleet of them costs little. */
const descriptions = new Map<string, FieldsV1>();
const maxDescriptions = 2_000;

function describe(fields: FieldSet): FieldsV1 {
  const made = toFieldsV1(fields);
  const text = JSON.stringify(made);
  const known = descriptions.get(text);
  if (known !== undefined) return known;
  if (descriptions.size >= maxDescriptions) descriptions.clear();
  descriptions.set(text, made);
  return made;
}

function entriesOf(owners: readonly Owner[]): ManagedFields {
  const order = ({ entry }: Owner): string =>
    [entry.operation, entry.time, entry.manager, entry.apiVersion, entry.subresource].join("\u0000");
  const entries = capped(owners.filter(({ fields }) => fields.size > 0));
  return entries
    .toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
    .map(({ entry: { manager, operation, apiVersion, time, subresource, fieldsV1 }, fields }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: "FieldsV1",
      fieldsV1: fieldsV1 !== undefined && fromFieldsV1(fieldsV1) === fields ? fieldsV1 : describe(fields),
      ...(subresource === undefined ? {} : { subresource }),
    }));
}

/** Beyond ten updaters the oldest become one. */
function capped(owners: readonly Owner[]): readonly Owner[] {
  const byAge = owners
    .filter(({ entry }) => entry.operation === "Update")
    .toSorted((a, b) => ((a.entry.time ?? "") < (b.entry.time ?? "") ? -1 : 1));
  if (byAge.length <= maxUpdaters) return owners;
  const oldest = byAge.slice(0, byAge.length - maxUpdaters + 1);
  const { subresource: _subresource, ...entry } = (oldest.at(-1) as Owner).entry;
  const fields = union(...oldest.map((owner) => owner.fields));
  return [
    ...owners.filter((owner) => !oldest.includes(owner)),
    { entry: { ...entry, manager: "ancient-changes" }, fields },
  ];
}

const metadataItself: FieldSet = new Set([memberElement("metadata")]);

const unowned: ReadonlySet<string> = new Set([
  ...["name", "namespace", "uid", "resourceVersion", "generation", "creationTimestamp", "selfLink", "managedFields"],
  ...["deletionTimestamp", "deletionGracePeriodSeconds"],
]);

/** The part of an object that managers own: what the server keeps for itself belongs to nobody. */
export function ownable(object: unknown): unknown {
  const { apiVersion: _apiVersion, kind: _kind, metadata, ...content } = object as Record<string, unknown>;
  const members = Object.entries((metadata ?? {}) as object).filter(([name]) => !unowned.has(name));
  return { metadata: Object.fromEntries(members), ...content };
}

interface Conflict {
  readonly path: string;
  readonly owner: ManagedFieldsEntry;
}

function applyConflict(conflicts: readonly Conflict[]): ApiError {
  const causes: StatusCause[] = conflicts.map(({ path, owner }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${ownerText(owner)}`,
    field: pathText(path),
  }));
  const [first] = causes;
  if (causes.length === 1 && first !== undefined) {
    return new ApiError(409, "Conflict", `Apply failed with 1 conflict: ${first.message}: ${first.field}`, { causes });
  }
  const owners = [...new Set(conflicts.map(({ owner }) => ownerText(owner)))].sort();
  const lines = owners.flatMap((owner) => [
    `conflicts with ${owner}:`,
    ...conflicts.filter((one) => ownerText(one.owner) === owner).map(({ path }) => `- ${pathText(path)}`),
  ]);
  const message = `Apply failed with ${causes.length} conflicts: ${lines.join("\n")}`;
  return new ApiError(409, "Conflict", message, { causes });
}

function ownerText({ manager, operation, apiVersion, subresource }: ManagedFieldsEntry): string {
  const name = `${JSON.stringify(manager)}${subresource === undefined ? "" : ` with subresource ${JSON.stringify(subresource)}`}`;
  if (operation === "Apply") return name;
  return `${name} using ${apiVersion}`;
}
