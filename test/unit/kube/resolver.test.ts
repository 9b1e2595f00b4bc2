import { expect, test } from "vitest";
import { candidates, parseHosts, parseResolvConf } from "../../../src/kube/resolver.ts";

test("a hosts file gives its names any case, all addresses, no comments", () => {
  const hosts = parseHosts(
    "# x\n127.0.0.1\tlocalhost a # b\n\nnot-an-address c\n10.0.0.1 API.Example.com a\nfd00::1 a\n",
  );
  expect([...hosts.keys()]).toEqual(["localhost", "a", "api.example.com"]);
  expect(hosts.get("a")).toEqual([
    { address: "127.0.0.1", family: 4 },
    { address: "10.0.0.1", family: 4 },
    { address: "fd00::1", family: 6 },
  ]);
});

test("a resolv.conf gives its last search list, bounded, and ndots", () => {
  const text =
    "nameserver 10.0.0.10\nsearch old\nsearch ns.svc.cluster.local svc.cluster.local . cluster.local\noptions edns0 ndots:5\n";
  expect(parseResolvConf(text)).toEqual({
    search: ["ns.svc.cluster.local", "svc.cluster.local", "cluster.local"],
    ndots: 5,
  });
  expect(parseResolvConf("")).toEqual({ search: [], ndots: 1 });
  expect(parseResolvConf(`search ${"x ".repeat(100)}`).search).toHaveLength(8);
});

test("names with few dots are searched first, others as they stand, absolute ones only so", () => {
  const conf = { search: ["a", "b"], ndots: 2 };
  expect(candidates("api.prod", conf)).toEqual(["api.prod.a", "api.prod.b", "api.prod"]);
  expect(candidates("api.prod.svc", conf)).toEqual(["api.prod.svc", "api.prod.svc.a", "api.prod.svc.b"]);
  expect(candidates("api.prod.", conf)).toEqual(["api.prod"]);
});
