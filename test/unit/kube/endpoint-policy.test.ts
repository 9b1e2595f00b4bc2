import type { LookupAddress } from "node:dns";
import { isIP } from "node:net";
import { describe, expect, test } from "vitest";
import { createEndpointPolicy, specialAddress } from "../../../src/kube/endpoint-policy.ts";
import type { KubeError } from "../../../src/kube/errors.ts";

const hostOf = (url: string) => new URL(url).hostname;
const addresses = (...list: string[]): LookupAddress[] => list.map((address) => ({ address, family: isIP(address) }));

function policy(insideCluster: boolean, ...answers: LookupAddress[][]) {
  const asked: string[] = [];
  const made = createEndpointPolicy({
    insideCluster,
    resolve: async (name) => {
      asked.push(name);
      return answers[Math.min(asked.length, answers.length) - 1] ?? [];
    },
  });
  const lookup = (all: boolean) =>
    new Promise<unknown>((resolve, reject) =>
      made.lookup("api.example.com", { all }, (error, found, family) =>
        error ? reject(error) : resolve(all ? found : [found, family]),
      ),
    );
  const refusal = (url: string): string | undefined => {
    try {
      made.check(hostOf(url));
      return undefined;
    } catch (error) {
      expect(error).toMatchObject({ code: "ENDPOINT_FORBIDDEN", reason: "EndpointForbidden" });
      return (error as KubeError).message;
    }
  };
  return { asked, lookup, refusal };
}

const loopback = [
  "https://127.0.0.1",
  "https://127.255.255.254:6443",
  "https://127.1",
  "https://2130706433",
  "https://0x7f000001",
  "https://0x7f.1",
  "https://0177.0.0.01",
  "https://0",
  "https://0.0.0.0",
  "https://[::1]",
  "https://[0:0:0:0:0:0:0:1]",
  "https://[::]",
  "https://[::ffff:127.0.0.1]",
  "https://[::ffff:7f00:1]",
  "https://[::127.0.0.1]",
  "https://[64:ff9b::127.0.0.1]",
  "https://[2002:7f00:1::]",
  "https://127。0。0。1",
];
const never = [
  "https://169.254.1.1",
  "https://169.254.169.254",
  "https://2852039166",
  "https://0xa9fea9fe",
  "https://0251.0376.0251.0376",
  "https://[fe80::1]",
  "https://[febf::1]",
  "https://[::ffff:169.254.169.254]",
  "https://[64:ff9b::a9fe:a9fe]",
  "https://[fd00:ec2::254]",
  "https://100.100.100.200",
  "https://168.63.129.16",
  "https://metadata.google.internal",
  "https://METADATA.google.internal.",
];
const allowed = [
  "https://10.0.0.1:6443",
  "https://192.168.1.1",
  "https://172.16.0.1",
  "https://100.100.100.201",
  "https://169.253.255.255",
  "https://128.0.0.1",
  "https://1.0.0.1",
  "https://[fd00::1]",
  "https://[fec0::1]",
  "https://[::ffff:10.0.0.1]",
  "https://[64:ff9b::10.0.0.1]",
  "https://api.example.com",
  "https://127.0.0.1.example.com",
];

describe("inside a cluster", () => {
  test.each([...loopback, ...never])("%s is refused", (url) => {
    expect(policy(true).refusal(url)).toContain(`the hub does not connect to ${hostOf(url)}: it is a `);
  });
  test.each(allowed)("%s may be connected to", (url) => {
    expect(policy(true).refusal(url)).toBeUndefined();
  });
});

describe("outside of clusters", () => {
  test.each([...loopback, ...allowed])("%s may be connected to", (url) => {
    expect(policy(false).refusal(url)).toBeUndefined();
  });
  test.each(never)("%s is refused all the same", (url) => {
    expect(policy(false).refusal(url)).toBeDefined();
  });
});

test("a refusal names what the address is", () => {
  expect(policy(true).refusal("https://0x7f000001")).toBe(
    "the hub does not connect to 127.0.0.1: it is a loopback address",
  );
  expect(policy(true).refusal("https://[fe80::1]")).toContain("link-local address");
  expect(policy(true).refusal("https://2852039166")).toContain("metadata service address");
});

describe("a name", () => {
  test("is resolved once, and what was checked is what is handed over", async () => {
    const { asked, lookup } = policy(true, addresses("10.0.0.1", "fd00::1"), addresses("127.0.0.1"));
    expect(await lookup(true)).toEqual(addresses("10.0.0.1", "fd00::1"));
    expect(asked).toEqual(["api.example.com"]);
    await expect(lookup(true)).rejects.toMatchObject({ code: "ENDPOINT_FORBIDDEN" });
  });

  test("may be asked for with a single address", async () => {
    expect(await policy(true, addresses("127.0.0.1", "fd00::1")).lookup(false)).toEqual(["fd00::1", 6]);
  });

  test("with allowed and other addresses keeps the allowed ones alone", async () => {
    const { lookup } = policy(true, addresses("127.0.0.1", "10.0.0.1", "::ffff:169.254.169.254"));
    expect(await lookup(true)).toEqual(addresses("10.0.0.1"));
  });

  test("that leads nowhere else is refused without telling where", async () => {
    const error = await policy(true, addresses("169.254.10.20"))
      .lookup(true)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "ENDPOINT_FORBIDDEN",
      message: "the hub does not connect to api.example.com: its name leads to a link-local address",
    });
    expect(await policy(false, addresses("127.0.0.1")).lookup(true)).toEqual(addresses("127.0.0.1"));
  });

  test("without any address is a DNS failure", async () => {
    await expect(policy(true, []).lookup(true)).rejects.toMatchObject({ code: "DNS_FAILED" });
  });
});

test("networks are told apart at their edges", () => {
  const kinds = [
    "126.255.255.255",
    "127.0.0.0",
    "169.255.0.0",
    "::2",
    "fe7f:ffff::",
    "fe80::",
    "fd00:ec3::",
    "fe80::1%lo0",
  ].map(specialAddress);
  expect(kinds).toEqual([
    undefined,
    "loopback",
    undefined,
    "loopback",
    undefined,
    "link-local",
    undefined,
    "link-local",
  ]);
});
