import { describe, expect, it } from "vitest";
import { acceptableRequestId, isForeignOrigin, isLoopbackHost, loopbackAddress } from "../../../src/server/guard.ts";

describe("the addresses a server may bind", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1"],
    ["localhost", "127.0.0.1"],
    ["LOCALHOST", "127.0.0.1"],
    ["::1", "::1"],
    ["[::1]", "::1"],
  ])("%s is %s", (host, address) => {
    expect(loopbackAddress(host)).toBe(address);
  });

  it.each(["0.0.0.0", "::", "", "10.0.0.1", "example.com", "127.0.0.1.example.com", "localhost.", "*"])(
    "refuses %j",
    (host) => {
      expect(() => loopbackAddress(host)).toThrow(expect.objectContaining({ code: "HOST_NOT_LOOPBACK" }));
    },
  );
});

describe("the Host header", () => {
  it.each(["localhost", "localhost:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:65535", "LocalHost:80"])(
    "%s is this machine",
    (host) => {
      expect(isLoopbackHost(host)).toBe(true);
    },
  );

  it.each([
    undefined,
    "",
    "evil.example",
    "evil.example:8080",
    "localhost.evil.example",
    "localhost:8080@evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.2",
    "::1",
    "localhost:",
    "localhost:123456",
    "localhost\n",
    " localhost",
    "0.0.0.0:8080",
  ])("%j is not", (host) => {
    expect(isLoopbackHost(host)).toBe(false);
  });
});

describe("the Origin header", () => {
  it("may be absent or the server's own", () => {
    expect(isForeignOrigin(undefined, "localhost:8080")).toBe(false);
    expect(isForeignOrigin("http://localhost:8080", "localhost:8080")).toBe(false);
    expect(isForeignOrigin("HTTP://LOCALHOST:8080", "localhost:8080")).toBe(false);
  });

  it.each([
    "null",
    "",
    "http://evil.example",
    "http://localhost:3000",
    "http://127.0.0.1:8080",
    "https://localhost:8080",
  ])("%j is foreign", (origin) => {
    expect(isForeignOrigin(origin, "localhost:8080")).toBe(true);
  });
});

describe("the request id", () => {
  it("is kept when harmless", () => {
    expect(acceptableRequestId("a-1.B_2:3")).toBe("a-1.B_2:3");
    expect(acceptableRequestId("x".repeat(64))).toBe("x".repeat(64));
  });

  it.each([undefined, "", "x".repeat(65), "a b", "a\r\nb", "<script>", 'a"b'])("is not kept: %j", (id) => {
    expect(acceptableRequestId(id)).toBeUndefined();
  });

  it("is not kept when given twice", () => {
    expect(acceptableRequestId(["a", "b"])).toBeUndefined();
  });
});
