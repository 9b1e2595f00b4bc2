// Events have two forms, that of the core group and that of events.k8s.io, and one store: the members that they call by other names.
import type { StoredAs } from "../http/catalog.ts";

type Json = Readonly<Record<string, unknown>>;

/** Members of events.k8s.io by their core name. */
const names: Readonly<Record<string, string>> = {
  involvedObject: "regarding",
  message: "note",
  reportingComponent: "reportingController",
  source: "deprecatedSource",
  firstTimestamp: "deprecatedFirstTimestamp",
  lastTimestamp: "deprecatedLastTimestamp",
  count: "deprecatedCount",
};
const coreNames: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(names).map(([core, other]) => [other, core]),
);

const renamed = (object: Json, by: Readonly<Record<string, string>>, apiVersion: string): Record<string, unknown> => ({
  ...Object.fromEntries(Object.entries(object).map(([name, value]) => [by[name] ?? name, value])),
  apiVersion,
});

/** How events.k8s.io/v1 shows what the core group stores. */
export const eventForms: Omit<StoredAs, "type"> = {
  toStored: (event) => renamed(event, coreNames, "v1"),
  fromStored: (event) => renamed(event, names, "events.k8s.io/v1"),
  storedField: (field) => {
    const [first = "", ...rest] = field.split(".");
    return [coreNames[first] ?? first, ...rest].join(".");
  },
};
