// @peculiar/x509 resolves its algorithms through a container that asks for the Reflect metadata proposal. These are the three
// functions it calls, over a WeakMap; nothing when something else has provided them.

type Metadata = Map<unknown, unknown>;
type Target = object & { prototype?: unknown };

/** Adds `Reflect.defineMetadata`, `getOwnMetadata` and `getMetadata` where they are missing. */
export function provideReflectMetadata(): void {
  if ("getMetadata" in Reflect) return;
  const byTarget = new WeakMap<object, Metadata>();
  const getOwnMetadata = (key: unknown, target: Target) => byTarget.get(target)?.get(key);
  const getMetadata = (key: unknown, target: Target | null): unknown =>
    target === null ? undefined : (getOwnMetadata(key, target) ?? getMetadata(key, Object.getPrototypeOf(target)));
  const defineMetadata = (key: unknown, value: unknown, target: Target) => {
    const own = byTarget.get(target) ?? new Map<unknown, unknown>();
    byTarget.set(target, own.set(key, value));
  };
  Object.assign(Reflect, { defineMetadata, getOwnMetadata, getMetadata });
}
