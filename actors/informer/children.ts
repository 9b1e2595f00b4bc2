// One child for each object of a watched kind: started when the object appears, told when its spec changes, stopped when it goes; then what
// it wrote is removed. A crash of one child costs that child only; one that crashes in a loop is said to, and an edit starts it at once.
import type { KubeObject } from "../../src/api/v1alpha1/meta.ts";
import type { StatusSink } from "../status-writer/status-writer.ts";
import type { ActorContext, ActorDefinition, ActorRef } from "../system/index.ts";
import type { InformerMessage, ObjectCache, ObjectChanged } from "./informer.ts";

export type ChildrenMessage =
  | ObjectChanged
  | { readonly type: "child-gone"; readonly key: string }
  /** The actor of the object with this name crashes too often. */
  | { readonly type: "child-degraded"; readonly key: string; readonly code: string };

/** What is particular to a kind. `Message` has a member `{ type: "spec-changed" }`; `Memory` is what outlives the instances of a child. */
export interface ChildKind<Message, Memory> {
  readonly resource: { readonly kind: string; readonly plural: string };
  remember(key: string): Memory;
  define(key: string, memory: Memory): ActorDefinition<Message>;
  /** The object has changed and is there to stay. */
  present?(key: string, object: KubeObject): void;
  /** The object has changed: it is leaving or gone, and has no child. */
  absent?(key: string, object: KubeObject | undefined): void;
  /** The child is told to end. */
  stopping?(key: string): void;
  /** No instance is there that could say it. */
  crashLooping?(key: string, object: KubeObject, memory: Memory, code: string): void;
  /** A fresh child follows one that had crashed, with what that remembered. */
  replaced?(memory: Memory): void;
  /** The child has ended and writes no more: what it wrote is to be removed. */
  ended(key: string, memory: Memory, uid: string | undefined): void;
}

export interface ChildrenDependencies {
  readonly cache: ObjectCache;
  readonly informer: ActorRef<InformerMessage>;
  readonly status: Pick<StatusSink, "forget">;
}

interface Child<Message, Memory> {
  readonly ref: ActorRef<Message>;
  readonly uid: string | undefined;
  readonly memory: Memory;
  generation: number | undefined;
  /** Set once it is told to stop: a fresh one follows, or what it wrote is removed. */
  stopping: "replace" | "remove" | undefined;
}

/** What the definitions of all such supervisors share. */
export const childrenDefaults = {
  onChildDegraded: ({ name }: { readonly name: string }, { code }: { readonly code: string }) =>
    ({ type: "child-degraded", key: name, code }) as const,
  supervision: { maxRestarts: 10, withinMs: 60_000 },
};

/** The name of an object, of its key `namespace/name`. */
export const nameOf = (key: string): string => key.slice(key.indexOf("/") + 1);
export const isLeaving = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined;

export class Children<Message extends { readonly type: string }, Memory> {
  readonly #context: ActorContext<ChildrenMessage>;
  readonly #dependencies: ChildrenDependencies;
  readonly #kind: ChildKind<Message, Memory>;
  readonly #children = new Map<string, Child<Message, Memory>>();

  constructor(
    context: ActorContext<ChildrenMessage>,
    dependencies: ChildrenDependencies,
    kind: ChildKind<Message, Memory>,
  ) {
    this.#context = context;
    this.#dependencies = dependencies;
    this.#kind = kind;
  }

  /** Asks to be told of every object of the kind. */
  start(): void {
    const subscriber = this.#context.self as ActorRef<ObjectChanged>;
    this.#dependencies.informer.tell({ type: "interest", kind: this.#kind.resource.kind, key: null, subscriber });
  }

  take(message: ChildrenMessage): void {
    switch (message.type) {
      case "object-changed":
        this.#changed(message.key);
        return;
      case "child-gone":
        this.#gone(message.key);
        return;
      case "child-degraded":
        this.#degraded(message.key, message.code);
        return;
    }
  }

  tellAll(message: Message): void {
    for (const { ref } of this.#children.values()) ref.tell(message);
  }

  memories(): Memory[] {
    return [...this.#children.values()].map(({ memory }) => memory);
  }

  #object(key: string): KubeObject | undefined {
    return this.#dependencies.cache.get(this.#kind.resource.kind, key) as KubeObject | undefined;
  }

  /** Level-triggered: whatever happened, the newest object says what is to be. */
  #changed(key: string): void {
    const object = this.#object(key);
    const child = this.#children.get(key);
    const isThere = object !== undefined && !isLeaving(object);
    if (isThere) this.#kind.present?.(key, object);
    if (child === undefined) {
      if (isThere) this.#start(key, object);
      else this.#kind.absent?.(key, object);
    } else if (!isThere || object.metadata.uid !== child.uid) {
      this.#stop(key, child, "remove");
    } else if (object.metadata.generation !== child.generation) {
      child.generation = object.metadata.generation;
      // One that crashed waits longer and longer for its next start; an edited spec is worth one at once.
      if (this.#context.awaitsRestart(child.ref as ActorRef<never>)) this.#stop(key, child, "replace");
      else child.ref.tell({ type: "spec-changed" } as Message);
    }
  }

  #start(key: string, { metadata }: KubeObject, memory = this.#kind.remember(key)): void {
    const { uid, generation } = metadata;
    const ref = this.#context.spawn(this.#kind.define(key, memory), { name: nameOf(key) });
    this.#children.set(key, { ref, uid, generation, memory, stopping: undefined });
    this.#context.watch(ref as ActorRef<never>, { type: "child-gone", key });
  }

  #stop(key: string, child: Child<Message, Memory>, then: "replace" | "remove"): void {
    child.stopping = child.stopping === "remove" ? "remove" : then;
    if (child.stopping === "remove") this.#kind.stopping?.(key);
    this.#context.stop(child.ref as ActorRef<never>);
  }

  #degraded(name: string, code: string): void {
    const [key = "", child] = [...this.#children].find(([own]) => nameOf(own) === name) ?? [];
    const object = this.#object(key);
    if (child === undefined || child.stopping !== undefined || object === undefined) return;
    this.#kind.crashLooping?.(key, object, child.memory, code);
  }

  /** Unless another takes its place, what it wrote is removed; one re-created meanwhile starts anew. */
  #gone(key: string): void {
    const child = this.#children.get(key);
    if (child === undefined) return;
    this.#children.delete(key);
    const object = this.#object(key);
    if (child.stopping === "replace" && object !== undefined && object.metadata.uid === child.uid) {
      this.#kind.replaced?.(child.memory);
      this.#start(key, object, child.memory);
      return;
    }
    this.forgetStatus(key, child.uid);
    this.#kind.ended(key, child.memory, child.uid);
    this.#changed(key);
  }

  /** What still waits to be written of the object's status is not. */
  forgetStatus(key: string, uid: string | undefined): void {
    if (uid === undefined) return;
    const [namespace = ""] = key.split("/");
    this.#dependencies.status.forget({ resource: this.#kind.resource.plural, namespace, name: nameOf(key), uid });
  }
}
