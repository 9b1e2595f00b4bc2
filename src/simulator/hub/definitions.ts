// What is served follows from the definitions that are stored: a new one is established at once, a changed one is served as it is now, and
// with one that is gone its objects go.
import { type Clock, rfc3339 } from "../../support/clock.ts";
import { crdType } from "../kinds/types.ts";
import { keyOf, type StoredObject } from "./object.ts";
import { type CrdDocument, typesOfCrd } from "./resources.ts";
import type { HubStore } from "./store.ts";
import { type HubWriter, targetOf } from "./writes.ts";

export class Definitions {
  readonly #store: HubStore;
  readonly #writer: HubWriter;
  readonly #clock: Clock;

  constructor(store: HubStore, writer: HubWriter, clock: Clock) {
    this.#store = store;
    this.#writer = writer;
    this.#clock = clock;
  }

  /** The definition of that name, as it is stored. */
  find(name: string): CrdDocument | undefined {
    return this.#store.table(crdType).get(keyOf("", name))?.object as unknown as CrdDocument | undefined;
  }

  /** To be called after a definition was written. Returns it as it is then. */
  settle(written: StoredObject): StoredObject {
    const crd = written.object as unknown as CrdDocument;
    if (this.#store.table(crdType).get(written.key) === undefined) {
      this.#withdraw(crd);
      return written;
    }
    const before = new Set(crd.spec.versions.filter(({ served }) => !served).map(({ name }) => name));
    const { group, names } = crd.spec;
    const { types } = this.#store.catalog;
    this.#store.withdrawVersions(
      types.filter((type) => type.group === group && type.resource === names.plural && before.has(type.version)),
    );
    this.#store.serve(typesOfCrd(crd));
    const isEstablished = crd.status?.conditions?.some(({ type }) => type === "Established") === true;
    if (isEstablished) return written;
    const target = { ...targetOf(crdType, written.object), subresource: "status", manager: "kube-apiserver" };
    return this.#writer.patch(target, () => establishedCrd(crd, rfc3339(this.#clock.nowMs())));
  }

  #withdraw(crd: CrdDocument): void {
    const types = typesOfCrd(crd);
    const [first] = types;
    if (first !== undefined) {
      const table = this.#store.table(first);
      for (const { object } of table.list()) this.#store.commit(table.type, "DELETED", object);
    }
    this.#store.withdraw(types);
  }
}

/** The definition as a server shows it once it is established. */
function establishedCrd(crd: CrdDocument, nowText: string): Record<string, unknown> {
  const condition = (type: string, reason: string, message: string): Record<string, string> => ({
    type,
    status: "True",
    lastTransitionTime: nowText,
    reason,
    message,
  });
  return {
    ...crd,
    status: {
      acceptedNames: crd.spec.names,
      conditions: [
        condition("NamesAccepted", "NoConflicts", "no conflicts found"),
        condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
      ],
      storedVersions: crd.spec.versions.filter((version) => version.storage).map((version) => version.name),
    },
  };
}
