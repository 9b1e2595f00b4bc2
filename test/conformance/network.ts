// The network of a recording: the fleet's names lead where it listens, and its authority is a public one. The original did not verify
// clusters whose Secret names no authority; the hub trusts public authorities there.
import { isIPv6 } from "node:net";
import tls from "node:tls";
import { createResolver, type Resolve } from "../../src/kube/resolver.ts";
import type { RecordedFleet } from "../../src/simulator/recorded/index.ts";

/** Resolves the fleet's names, and others as the system does. */
export function fleetResolver({ hosts }: Pick<RecordedFleet, "hosts">): Resolve {
  const system = createResolver();
  return async (name) => {
    const address = hosts.get(name);
    return address === undefined ? system(name) : [{ address, family: isIPv6(address) ? 6 : 4 }];
  };
}

/** Trusts the fleet's authority in this process; returns what restores the former ones. */
export function trustFleet({ caPem }: Pick<RecordedFleet, "caPem">): () => void {
  const authorities = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...authorities, caPem]);
  return () => tls.setDefaultCACertificates(authorities);
}
