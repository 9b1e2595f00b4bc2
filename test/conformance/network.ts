// The network of a recording, for this process: the fleet's names resolve, and its authorities are public ones. The original did not verify
// clusters whose Secret names no authority; the hub trusts public authorities there.
import dns from "node:dns";
import tls from "node:tls";
import type { RecordedFleet } from "../../src/simulator/recorded/index.ts";

/** Returns what restores the network as it was. */
export function joinNetwork(fleet: Pick<RecordedFleet, "allCaPems" | "hosts">): () => void {
  const authorities = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...authorities, ...fleet.allCaPems]);
  const resolver = dns.promises.Resolver.prototype;
  const { resolve4, resolve6 } = resolver;
  const notFound = (): Promise<never> => Promise.reject(Object.assign(new Error("not found"), { code: "ENOTFOUND" }));
  resolver.resolve4 = function (this: dns.promises.Resolver, name: string, ...rest: unknown[]) {
    const address = fleet.hosts.get(name);
    return address === undefined ? Reflect.apply(resolve4, this, [name, ...rest]) : Promise.resolve([address]);
  } as typeof resolve4;
  resolver.resolve6 = function (this: dns.promises.Resolver, name: string, ...rest: unknown[]) {
    return fleet.hosts.has(name) ? notFound() : Reflect.apply(resolve6, this, [name, ...rest]);
  } as typeof resolve6;
  return () => {
    tls.setDefaultCACertificates(authorities);
    Object.assign(resolver, { resolve4, resolve6 });
  };
}
