// Answers as tables: what `kubectl get` prints. Made from the JSON of the answer, so that every engine has them without knowing of them.

import { columnsOf } from "../kinds/columns.ts";
import type { ResourceType } from "./catalog.ts";
import type { WatchSink } from "./engine.ts";
import { apiErrors } from "./status.ts";

/** What a row shows beside its cells. */
export type IncludedObject = "Metadata" | "Object" | "None";

export interface TableRequest {
  readonly type: ResourceType;
  /** `meta.k8s.io/v1` or its beta. */
  readonly apiVersion: string;
  readonly include: IncludedObject;
  readonly nowMs: number;
}

export type Json = Readonly<Record<string, unknown>>;

interface Row {
  readonly cells: readonly unknown[];
  readonly object?: unknown;
}

/** The query parameter of that name. Throws ApiError 400 for a value that there is not. */
export function readIncluded(text: string | null): IncludedObject {
  if (text === null || text === "") return "Metadata";
  if (text === "Object" || text === "None" || text === "Metadata") return text;
  const message = `includeObject: Invalid value: ${JSON.stringify(text)}: must be 'Metadata', 'Object', 'None', or empty`;
  throw apiErrors.badRequest(`Unable to convert to Table as requested: ${message}`);
}

/** The table of one object or of a list, as text. */
export function tableText(request: TableRequest, text: string): string {
  const body = JSON.parse(text) as Json;
  // Failures and the outcomes of deletions stay what they are.
  if (body["kind"] === "Status" && body["apiVersion"] === "v1") return text;
  return JSON.stringify(tableOf(request, body, true));
}

function tableOf(request: TableRequest, body: Json, withColumns: boolean): Json {
  const { type, apiVersion, nowMs } = request;
  const columns = columnsOf(type);
  const items = body["items"] as readonly Json[] | undefined;
  const { resourceVersion, continue: token, remainingItemCount } = body["metadata"] as Record<string, unknown>;
  const rows = (items ?? [body]).map(
    (object): Row => ({
      cells: columns.map((column) => column.cell(object, nowMs) ?? null),
      ...included(request, object),
    }),
  );
  return {
    kind: "Table",
    apiVersion,
    metadata: {
      resourceVersion,
      ...(token ? { continue: token } : {}),
      ...(remainingItemCount === undefined ? {} : { remainingItemCount }),
    },
    columnDefinitions: withColumns
      ? columns.map(({ name, type: cellType, format, description, priority }) => ({
          name,
          type: cellType,
          format,
          description,
          priority,
        }))
      : null,
    rows,
  };
}

function included({ include, apiVersion, type }: TableRequest, object: Json): { object: Json | null } {
  switch (include) {
    case "None":
      return { object: null };
    case "Object": {
      const apiVersionOfType = type.group === "" ? type.version : `${type.group}/${type.version}`;
      return { object: { kind: type.kind, apiVersion: apiVersionOfType, ...object } };
    }
    case "Metadata":
      return { object: { kind: "PartialObjectMetadata", apiVersion, metadata: object["metadata"] } };
  }
}

/** Turns the events of a watch into tables of one row; only the first says what its columns are. */
export function tableSink(request: () => TableRequest, sink: WatchSink): WatchSink {
  let isFirst = true;
  return {
    write: (line) => {
      const event = JSON.parse(line) as { readonly type: string; readonly object: Json };
      if (event.type === "ERROR") return sink.write(line);
      const table = tableOf(request(), event.object, isFirst);
      const object = event.type === "BOOKMARK" ? { ...table, rows: [], metadata: event.object["metadata"] } : table;
      isFirst = false;
      sink.write(JSON.stringify({ type: event.type, object }));
    },
    end: () => sink.end(),
  };
}
