// Where a connection to a watched cluster may go. Whoever may write a ClusterConnection may name any endpoint, and the hub stands
// in places they do not: so loopback (inside a cluster), link-local addresses and cloud metadata services are refused. Guarantees:
// the decision is made on the very address that is then connected to, in every notation of it; a name is resolved once for each
// connection, so a second answer cannot differ from the one that was checked. Does not: restrict other private addresses, where
// clusters are; look at paths or ports.
import { BlockList, isIP, isIPv6, type LookupFunction } from "node:net";
import { KubeError } from "./errors.ts";
import type { Resolve } from "./resolver.ts";

export interface EndpointPolicyOptions {
  /** Whether the hub runs in a pod: its loopback is nobody else's business then. Outside, clusters on loopback are common. */
  readonly insideCluster: boolean;
  readonly resolve: Resolve;
}

/** The rule for one transport's connections. */
export interface EndpointPolicy {
  /**
   * Throws ENDPOINT_FORBIDDEN for a host that is refused as it stands: an address, or the name of a metadata service.
   * @param host as `URL.hostname` gives it: lower case, notations of IPv4 made decimal; with or without brackets
   */
  check(host: string): void;
  /** For `net.connect`: gives only addresses that may be connected to. Fails with ENDPOINT_FORBIDDEN when there is none, DNS_FAILED without an answer. */
  readonly lookup: LookupFunction;
}

type Kind = "loopback" | "link-local" | "metadata service";

/** Of one IPv4 network also the forms that carry it in IPv6: compatible, NAT64 (RFC 6052) and 6to4 (RFC 3056). Mapped ones (RFC 4291) are Node's doing. */
function addIpv4(list: BlockList, network: string, bits: number): void {
  list.addSubnet(network, bits, "ipv4");
  list.addSubnet(`::${network}`, 96 + bits, "ipv6");
  list.addSubnet(`64:ff9b::${network}`, 96 + bits, "ipv6");
  const [a = 0, b = 0, c = 0, d = 0] = network.split(".").map(Number);
  const [high, low] = [(a << 8) | b, (c << 8) | d].map((part) => part.toString(16));
  list.addSubnet(`2002:${high}:${low}::`, 16 + bits, "ipv6");
}

function blockList(ipv4: readonly [string, number][], ipv6: readonly [string, number][]): BlockList {
  const list = new BlockList();
  for (const [network, bits] of ipv4) addIpv4(list, network, bits);
  for (const [network, bits] of ipv6) list.addSubnet(network, bits, "ipv6");
  return list;
}

/** The first that holds an address names it. 0.0.0.0/8 and its IPv6 forms, `::` among them, lead a host to itself. */
const networks: readonly (readonly [Kind, BlockList])[] = [
  [
    "metadata service",
    blockList(
      [
        ["169.254.169.254", 32],
        ["169.254.170.2", 32],
        ["169.254.170.23", 32],
        ["100.100.100.200", 32],
        ["168.63.129.16", 32],
        ["192.0.0.192", 32],
      ],
      [
        ["fd00:ec2::", 32],
        ["fd20:ce::254", 128],
      ],
    ),
  ],
  ["link-local", blockList([["169.254.0.0", 16]], [["fe80::", 10]])],
  [
    "loopback",
    blockList(
      [
        ["127.0.0.0", 8],
        ["0.0.0.0", 8],
      ],
      [
        ["::1", 128],
        ["::", 128],
      ],
    ),
  ],
];

const metadataNames: ReadonlySet<string> = new Set(["metadata.google.internal", "metadata.goog", "instance-data"]);

/** What an IP address is that a hub should not connect to, or undefined. */
export function specialAddress(address: string): Kind | undefined {
  const family = isIPv6(address) ? "ipv6" : "ipv4";
  return networks.find(([, list]) => list.check(address, family))?.[0];
}

/** A policy that resolves names with `resolve`. Link-local addresses and metadata services are refused everywhere, loopback inside a cluster. */
export function createEndpointPolicy({ insideCluster, resolve }: EndpointPolicyOptions): EndpointPolicy {
  const refusal = (address: string): Kind | undefined => {
    const kind = specialAddress(address);
    return kind === "loopback" && !insideCluster ? undefined : kind;
  };
  const allowed = async (host: string) => {
    const addresses = await resolve(host);
    const kept = addresses.filter(({ address }) => refusal(address) === undefined);
    const first = kept[0] ?? addresses[0];
    if (first === undefined) throw new KubeError("DNS_FAILED", `the host name ${host} has no address`);
    if (kept.length === 0) throw forbidden(host, `its name leads to a ${refusal(first.address)} address`);
    return { first, kept };
  };
  return {
    check(host) {
      const bare = host.replace(/^\[|\]$/g, "");
      const kind = isIP(bare) !== 0 ? refusal(bare) : undefined;
      if (kind !== undefined) throw forbidden(host, `it is a ${kind} address`);
      if (metadataNames.has(host.replace(/\.$/, ""))) throw forbidden(host, "it is a metadata service");
    },
    lookup(host, options, callback) {
      allowed(host).then(
        ({ first, kept }) => (options.all ? callback(null, [...kept]) : callback(null, first.address, first.family)),
        (error: KubeError) => callback(error, "", 0),
      );
    },
  };
}

/** The address that a name leads to is not repeated: the hub's DNS may know more than the reader of a condition. */
function forbidden(host: string, because: string): KubeError {
  return new KubeError("ENDPOINT_FORBIDDEN", `the hub does not connect to ${host}: ${because}`);
}
