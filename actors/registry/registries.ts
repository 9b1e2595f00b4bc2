// Supervises the registries: one child for each RegistryConnection.
import { registryConnections } from "../../src/api/v1alpha1/resources.ts";
import { registryDeleted } from "../../src/store/registry-documents.ts";
import { Attempts } from "../cluster/attempts.ts";
import { Children, type ChildrenMessage, childrenDefaults, nameOf } from "../informer/children.ts";
import type { Actor, ActorContext, ActorDefinition } from "../system/index.ts";
import { type RegistryDependencies, type RegistryMessage, registryDefinition } from "./registry.ts";
import { RegistryReport } from "./report.ts";

export function registriesDefinition(dependencies: RegistryDependencies): ActorDefinition<ChildrenMessage> {
  return {
    ...childrenDefaults,
    kind: "registries",
    create: (context) => new RegistriesActor(context, dependencies),
    keyOf: (message) => `${message.type} ${message.key}`,
    // One notice for each registry may wait at once: the first list.
    mailbox: { userCapacity: 16_384 },
  };
}

const crashLooping = (code: string): string =>
  `The actor of this registry crashes again and again (${code}): it is started again at growing intervals, and at once when the ` +
  "RegistryConnection is edited";

class RegistriesActor implements Actor<ChildrenMessage> {
  readonly #children: Children<RegistryMessage, Attempts>;

  constructor(context: ActorContext<ChildrenMessage>, dependencies: RegistryDependencies) {
    const { clock, random } = context;
    this.#children = new Children(context, dependencies, {
      resource: registryConnections,
      remember: () => new Attempts(clock, random),
      define: (key, attempts) => registryDefinition(key, dependencies, attempts),
      replaced: (attempts) => attempts.mended(),
      crashLooping(key, object, attempts, code) {
        const report = new RegistryReport(nameOf(key), object, dependencies, clock, dependencies.limits);
        report.about(object);
        const failure = { code, reason: "ActorCrashLooping", message: crashLooping(code) };
        report.failed(failure, attempts.breaker, 0, 0, 0);
      },
      ended(key, attempts) {
        attempts.close();
        dependencies.store.write(registryDeleted(nameOf(key), clock.nowMs()));
      },
    });
  }

  onStart(): void {
    this.#children.start();
  }

  onMessage(message: ChildrenMessage): void {
    this.#children.take(message);
  }

  onStop(): void {
    for (const attempts of this.#children.memories()) attempts.close();
  }
}
