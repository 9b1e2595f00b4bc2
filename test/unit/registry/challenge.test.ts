// WWW-Authenticate headers as the registries of the world send them, and as nobody should.
import { describe, expect, test } from "vitest";
import { parseChallenge } from "../../../src/registry/challenge.ts";

describe("a challenge", () => {
  test.each([
    [
      "Docker Hub",
      'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"',
      { realm: "https://auth.docker.io/token", service: "registry.docker.io", scope: "" },
    ],
    [
      "GHCR",
      'Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull"',
      { realm: "https://ghcr.io/token", service: "ghcr.io", scope: "repository:user/image:pull" },
    ],
    [
      "Quay",
      'Bearer realm="https://quay.io/v2/auth",service="quay.io"',
      { realm: "https://quay.io/v2/auth", service: "quay.io", scope: "" },
    ],
    [
      "Harbor, which offers both",
      'Basic realm="harbor", Bearer realm="https://harbor.example/service/token",service="harbor-registry"',
      { realm: "https://harbor.example/service/token", service: "harbor-registry", scope: "" },
    ],
    [
      "other letters, spaces and order",
      'bearer Service="s", REALM="https://t.example/"',
      { realm: "https://t.example/", service: "s", scope: "" },
    ],
  ])("of %s is read", (_who, header, wanted) => {
    expect(parseChallenge(header)).toEqual({ scheme: "bearer", ...wanted });
  });

  test.each(['Basic realm="x"', "basic", 'Negotiate, Basic realm="x"'])("%s is basic", (header) => {
    expect(parseChallenge(header)).toEqual({ scheme: "basic" });
  });

  test.each([
    "",
    "Negotiate",
    "Bearer",
    'Bearer service="s"',
    "Bearer realm=unquoted",
    "Basically",
    `Bearer realm="https://t.example/",service="${"s".repeat(5_000)}"`,
  ])("%s is none that can be answered", (header) => {
    expect(parseChallenge(header)).toBeUndefined();
  });
});
