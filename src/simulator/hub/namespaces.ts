// The life of namespaces: a new one gets what every namespace has, one that is deleted is emptied first, and goes when nothing in it is
// held by finalizers any more. Until then its status says what remains.

import type { Clock } from "../../support/clock.ts";
import { rfc3339 } from "../../support/clock.ts";
import { configMapType, namespaceType, serviceAccountType } from "../kinds/types.ts";
import type { ControlLoop } from "./control-loop.ts";
import { type KubeObject, keyOf } from "./object.ts";
import type { HubStore } from "./store.ts";
import { type HubWriter, targetOf } from "./writes.ts";

const furniture: ReadonlySet<string> = new Set(["default", "kube-root-ca.crt"]);

export class NamespaceController {
  readonly #store: HubStore;
  readonly #writer: HubWriter;
  readonly #clock: Clock;
  readonly #caPem: string;

  /** @param caPem what `kube-root-ca.crt` tells of the server's authority */
  constructor(store: HubStore, writer: HubWriter, loop: ControlLoop, clock: Clock, caPem: string) {
    this.#store = store;
    this.#writer = writer;
    this.#clock = clock;
    this.#caPem = caPem;
    store.observe((type, event) => {
      const { object } = event.current;
      const isNamespace = type === namespaceType;
      const name = isNamespace ? object.metadata.name : object.metadata.namespace;
      if (name === undefined || event.type === (isNamespace ? "DELETED" : "ADDED")) return;
      // What comes to be in a namespace is none of its business; what goes may be the last that it waits for, or what it has to have.
      const isFurniture = furniture.has(object.metadata.name);
      if (isNamespace || isFurniture || this.#find(name)?.metadata.deletionTimestamp !== undefined) {
        loop.soon(`namespace ${name}`, () => this.#reconcile(name));
      }
    });
  }

  #find(name: string): KubeObject | undefined {
    return this.#store.table(namespaceType).get(keyOf("", name))?.object;
  }

  #reconcile(name: string): void {
    const namespace = this.#find(name);
    if (namespace === undefined) return;
    if (namespace.metadata.deletionTimestamp === undefined) this.#furnish(name);
    else this.#empty(namespace);
  }

  #furnish(namespace: string): void {
    const ensure = (type: typeof configMapType, name: string, content: object): void => {
      if (this.#store.table(type).get(keyOf(namespace, name)) !== undefined) return;
      const target = { type, namespace, name: "", subresource: "", dryRun: false, manager: "kube-controller-manager" };
      this.#writer.create(target, { ...content, metadata: { name } });
    };
    ensure(serviceAccountType, "default", {});
    ensure(configMapType, "kube-root-ca.crt", { data: { "ca.crt": this.#caPem } });
  }

  #empty(namespace: KubeObject): void {
    const remaining: string[] = [];
    const finalizers = new Map<string, number>();
    for (const table of this.#store.tables()) {
      if (!table.type.namespaced) continue;
      let left = 0;
      for (const { object } of table.list()) {
        if (object.metadata.namespace !== namespace.metadata.name) continue;
        const { state, gone } = this.#writer.delete(targetOf(table.type, object), { propagationPolicy: "Background" });
        if (gone) continue;
        left++;
        for (const one of state.object.metadata.finalizers ?? []) finalizers.set(one, (finalizers.get(one) ?? 0) + 1);
      }
      const { resource, group } = table.type;
      if (left > 0) remaining.push(`${resource}.${group} has ${left} resource instances`);
    }
    if (remaining.length > 0) this.#report(namespace, remaining, finalizers);
    else {
      const target = { ...targetOf(namespaceType, namespace), subresource: "finalize" };
      this.#writer.patch(target, (current) => ({ ...current, spec: { finalizers: [] } }));
    }
  }

  #report(namespace: KubeObject, remaining: readonly string[], finalizers: ReadonlyMap<string, number>): void {
    const held = [...finalizers].map(([finalizer, count]) => `${finalizer} in ${count} resource instances`);
    const before =
      (namespace["status"] as { readonly conditions?: readonly Condition[] } | undefined)?.conditions ?? [];
    const condition = (type: string, reason: string, message: string): Condition => {
      const known = before.find((one) => one.type === type);
      const lastTransitionTime = known?.lastTransitionTime ?? rfc3339(this.#clock.nowMs());
      return { type, status: "True", lastTransitionTime, reason, message };
    };
    const conditions = [
      condition(
        "NamespaceContentRemaining",
        "SomeResourcesRemain",
        `Some resources are remaining: ${remaining.join(", ")}`,
      ),
      condition(
        "NamespaceFinalizersRemaining",
        "SomeFinalizersRemain",
        `Some content in the namespace has finalizers remaining: ${held.join(", ")}`,
      ),
    ];
    this.#writer.patch({ ...targetOf(namespaceType, namespace), subresource: "status" }, (current) => ({
      ...current,
      status: { phase: "Terminating", conditions },
    }));
  }
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}
