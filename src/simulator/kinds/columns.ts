// The columns of tables: those that a CustomResourceDefinition asks for by path, and those of the built-in kinds.
import type { PrinterColumn, ResourceType } from "../http/catalog.ts";
import { ageOf } from "../http/durations.ts";
import { findAll, parseJsonPath } from "../http/json-path.ts";
import { builtInColumns } from "./built-in-columns.ts";

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  /** Above 0: shown with `-o wide` alone. */
  readonly priority: number;
  /** Undefined shows as nothing. */
  cell(object: Readonly<Record<string, unknown>>, nowMs: number): unknown;
}

const known = new WeakMap<ResourceType, readonly Column[]>();

export function columnsOf(type: ResourceType): readonly Column[] {
  let columns = known.get(type);
  if (columns === undefined) {
    columns = makeColumns(type);
    known.set(type, columns);
  }
  return columns;
}

const nameColumn = column("Name", "string", (object) => metadataOf(object)["name"], { format: "name" });
const ageColumn = column("Age", "date", (object, nowMs) => ageOf(metadataOf(object)["creationTimestamp"], nowMs));

function makeColumns(type: ResourceType): readonly Column[] {
  if (type.printerColumns !== undefined) return [nameColumn, ...type.printerColumns.map(columnByPath)];
  const own = builtInColumns[`${type.group}/${type.resource}`];
  if (own === undefined) return [nameColumn, ageColumn];
  return own.map(({ name, wide, type: cellType, cell }) =>
    name === "Name" ? nameColumn : column(name, cellType ?? "string", cell, wide === true ? { priority: 1 } : {}),
  );
}

function column(
  name: string,
  type: string,
  cell: Column["cell"],
  extras: { format?: string; priority?: number } = {},
): Column {
  return { name, type, format: extras.format ?? "", description: name, priority: extras.priority ?? 0, cell };
}

const metadataOf = (object: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  (object["metadata"] ?? {}) as Record<string, unknown>;

function columnByPath({ name, type, format, description, priority, jsonPath }: PrinterColumn): Column {
  const steps = parseJsonPath(jsonPath);
  return {
    name,
    type,
    format: format ?? "",
    description: description ?? name,
    priority: priority ?? 0,
    cell: (object, nowMs) => {
      const found = steps === undefined ? [] : findAll(object, steps);
      if (found.length === 0 || found[0] === null) return undefined;
      return cellOf(type, found, nowMs);
    },
  };
}

function cellOf(type: string, found: readonly unknown[], nowMs: number): unknown {
  const [first] = found;
  switch (type) {
    case "integer":
      return typeof first === "number" ? Math.trunc(first) : undefined;
    case "number":
      return typeof first === "number" ? first : undefined;
    case "boolean":
      return typeof first === "boolean" ? first : undefined;
    case "date":
      return ageOf(first, nowMs);
    default:
      return typeof first === "string" ? first : JSON.stringify(first);
  }
}
