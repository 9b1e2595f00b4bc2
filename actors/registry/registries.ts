// Supervises the registries: one child for each RegistryConnection, started when it appears, told when its spec changes, stopped when it
// goes; then what it stored is removed. A crash of one child costs that child only.
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import { registryConnections } from "../../src/api/v1alpha1/resources.ts";
import { registryDeleted } from "../../src/store/registry-documents.ts";
import { Attempts } from "../cluster/attempts.ts";
import type { ObjectChanged } from "../informer/informer.ts";
import type { Actor, ActorContext, ActorDefinition, ActorRef } from "../system/index.ts";
import { type RegistryDependencies, type RegistryMessage, registryDefinition } from "./registry.ts";

export type RegistriesMessage = ObjectChanged | { readonly type: "registry-gone"; readonly key: string };

interface Child {
  readonly ref: ActorRef<RegistryMessage>;
  readonly uid: string | undefined;
  readonly attempts: Attempts;
  generation: number | undefined;
}

export function registriesDefinition(dependencies: RegistryDependencies): ActorDefinition<RegistriesMessage> {
  return {
    kind: "registries",
    create: (context) => new RegistriesActor(context, dependencies),
    keyOf: (message) => `${message.type} ${message.key}`,
    // One notice for each registry may wait at once: the first list.
    mailbox: { userCapacity: 16_384 },
    supervision: { maxRestarts: 10, withinMs: 60_000 },
  };
}

const nameOf = (key: string): string => key.slice(key.indexOf("/") + 1);

class RegistriesActor implements Actor<RegistriesMessage> {
  readonly #context: ActorContext<RegistriesMessage>;
  readonly #dependencies: RegistryDependencies;
  readonly #children = new Map<string, Child>();

  constructor(context: ActorContext<RegistriesMessage>, dependencies: RegistryDependencies) {
    this.#context = context;
    this.#dependencies = dependencies;
  }

  onStart(): void {
    const subscriber = this.#context.self as ActorRef<ObjectChanged>;
    this.#dependencies.informer.tell({ type: "interest", kind: registryConnections.kind, key: null, subscriber });
  }

  onMessage({ type, key }: RegistriesMessage): void {
    if (type === "registry-gone") this.#gone(key);
    else this.#changed(key);
  }

  onStop(): void {
    for (const { attempts } of this.#children.values()) attempts.close();
  }

  /** Level-triggered: whatever happened, the newest object says what is to be. */
  #changed(key: string): void {
    const object = this.#dependencies.cache.get(registryConnections.kind, key) as KubeObject | undefined;
    const child = this.#children.get(key);
    const isLeaving = object?.metadata.deletionTimestamp !== undefined;
    if (child === undefined) {
      if (object !== undefined && !isLeaving) this.#start(key, object);
    } else if (object === undefined || isLeaving || object.metadata.uid !== child.uid) {
      this.#context.stop(child.ref as ActorRef<never>);
    } else if (object.metadata.generation !== child.generation) {
      child.generation = object.metadata.generation;
      child.ref.tell({ type: "spec-changed" });
    }
  }

  #start(key: string, { metadata: { uid, generation } }: KubeObject): void {
    const attempts = new Attempts(this.#context.clock, this.#context.random);
    const ref = this.#context.spawn(registryDefinition(key, this.#dependencies, attempts), { name: nameOf(key) });
    this.#children.set(key, { ref, uid, generation, attempts });
    this.#context.watch(ref as ActorRef<never>, { type: "registry-gone", key });
  }

  /** The child has ended and writes no more: what it wrote is removed. One re-created meanwhile starts anew. */
  #gone(key: string): void {
    const child = this.#children.get(key);
    this.#children.delete(key);
    child?.attempts.close();
    const [namespace = ""] = key.split("/");
    if (child?.uid !== undefined) {
      const target = { resource: registryConnections.plural, namespace, name: nameOf(key), uid: child.uid };
      this.#dependencies.status.forget(target);
    }
    this.#dependencies.store.write(registryDeleted(nameOf(key), this.#context.clock.nowMs()));
    this.#changed(key);
  }
}
