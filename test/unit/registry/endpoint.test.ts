// Where a registry is, as people write it.
import { expect, test } from "vitest";
import { registryUrl } from "../../../src/registry/endpoint.ts";

test.each([
  ["quay.io", false, "https://quay.io"],
  ["registry.example:5000/", false, "https://registry.example:5000"],
  ["registry.example:5000", true, "http://registry.example:5000"],
  ["https://registry.example/harbor/", true, "https://registry.example/harbor"],
  ["HTTP://Registry.Example", false, "http://registry.example"],
  ["docker.io", false, "https://registry-1.docker.io"],
  ["https://docker.io/", false, "https://registry-1.docker.io"],
  ["mirror.docker.io.example", false, "https://mirror.docker.io.example"],
])("%s (insecure: %s) is %s", (endpoint, insecure, url) => {
  expect(registryUrl(endpoint, insecure)).toBe(url);
});

test.each(["", "ftp://registry.example", "https://", "a b"])("%j is refused", (endpoint) => {
  expect(() => registryUrl(endpoint)).toThrow("the endpoint must be a host or an http(s) URL");
});
