// Objects of the hub's store: never changed once stored, with their JSON text made at most once per form.
import type { ObjectForm } from "../http/engine.ts";
import { partialMetadataText } from "../http/list.ts";
import type { ManagedFields } from "./managed-fields.ts";

export interface OwnerReference {
  readonly uid: string;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
  readonly managedFields?: ManagedFields;
}

/** Members beyond these are whatever the kind has. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [member: string]: unknown;
}

/** One state of one object. */
export class StoredObject {
  readonly key: string;
  readonly object: KubeObject;
  #full: string | undefined;
  #metadata: string | undefined;

  constructor(object: KubeObject) {
    // apiVersion and kind first, so that the item of a typed list is a cut of the same text.
    const { apiVersion, kind, metadata: stored, ...rest } = object;
    const { resourceVersion, ...unstored } = stored;
    // What was not stored, on a dry run, has no version.
    const metadata = resourceVersion === "" ? (unstored as ObjectMeta) : stored;
    this.object = { apiVersion, kind, metadata, ...rest };
    this.key = keyOf(metadata.namespace ?? "", metadata.name);
  }

  /** The text of the object on its own. */
  text(form: ObjectForm): string {
    if (form === "metadata") {
      this.#metadata ??= partialMetadataText(JSON.stringify(this.object.metadata));
      return this.#metadata;
    }
    this.#full ??= JSON.stringify(this.object);
    return this.#full;
  }

  /** The text as a list item: built-in kinds leave out apiVersion and kind. */
  itemText(form: ObjectForm, builtIn: boolean): string {
    const text = this.text(form);
    return builtIn && form === "full" ? `{${text.slice(text.indexOf('"metadata":'))}` : text;
  }
}

/** Sorts by namespace, then name, in order of bytes. */
export const keyOf = (namespace: string, name: string): string => `${namespace}/${name}`;
