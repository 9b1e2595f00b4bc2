// The shape in which a generated kind is shown: by index, each object as two JSON texts, so that a list is a join of strings.
import { rfc3339 } from "../../support/clock.ts";
import { hashOf, uuidOf } from "../hash.ts";

export interface WorldTable {
  /** Objects, in order of namespace and name. */
  readonly count: number;
  /** Index of the object that variants know by this number; -1 when it is not there. */
  indexOf(place: number): number;
  namespaceOf(index: number): string;
  nameOf(index: number): string;
  labelsOf(index: number): Readonly<Record<string, string>>;
  /** The text of metadata. */
  metadataText(index: number): string;
  /** The text of all other members, from `"spec":` on. */
  contentText(index: number): string;
  /** Field selectors beyond metadata.name and metadata.namespace; "" for a field that is not set. */
  readonly fields: Readonly<Record<string, (index: number) => string>>;
}

/** Of a kind of which there is nothing. */
export const emptyTable: WorldTable = {
  count: 0,
  indexOf: () => -1,
  namespaceOf: () => "",
  nameOf: () => "",
  labelsOf: () => ({}),
  metadataText: () => "{}",
  contentText: () => "",
  fields: {},
};

const newestCreationMs = Date.UTC(2026, 0, 1);
const yearSeconds = 365 * 86_400;

/** A moment in the year before 2026, whole seconds. */
export const timeText = (hash: number): string =>
  `${new Date(newestCreationMs - (hash % yearSeconds) * 1000).toISOString().slice(0, 19)}Z`;

/** What metadata says of an object that is no longer as the seed made it. */
export interface Stamp {
  readonly revision: number;
  /** Where the object came later than the seed. Seconds since the epoch. */
  readonly createdSeconds?: number;
}

/** The members of metadata that every object has, without the braces. */
export function commonMetadata(name: string, namespace: string, hash: number, labels: string, stamp?: Stamp): string {
  const place = namespace === "" ? "" : `"namespace":"${namespace}",`;
  const version = stamp?.revision ?? 1000 + (hashOf(hash, 93) % 90_000);
  const created = stamp?.createdSeconds;
  const createdText = created === undefined ? timeText(hashOf(hash, 92)) : rfc3339(created * 1_000);
  return `"name":"${name}",${place}"uid":"${uuidOf(hashOf(hash, 91))}","resourceVersion":"${version}","creationTimestamp":"${createdText}","labels":${labels}`;
}
