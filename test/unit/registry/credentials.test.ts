// Secrets of registries: which keys count, for which host, and that none of their values is ever shown.
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { credentialsFromRegistrySecret, RegistryCredentials } from "../../../src/registry/credentials.ts";

const secret = (values: Readonly<Record<string, string>>): object => ({
  data: Object.fromEntries(Object.entries(values).map(([key, text]) => [key, Buffer.from(text).toString("base64")])),
});
const read = (values: Readonly<Record<string, string>>, server = "https://registry.example") =>
  credentialsFromRegistrySecret(secret(values), "ns/name", server);
const loginOf = ({ basic }: RegistryCredentials): string =>
  Buffer.from((basic ?? "").replace("Basic ", ""), "base64").toString();
const docker = (auths: object): Record<string, string> => ({ ".dockerconfigjson": JSON.stringify({ auths }) });
const auth = Buffer.from("robot:p:w").toString("base64");

describe("a Secret of a registry", () => {
  test("gives user name and password, without the line end that an editor leaves", () => {
    expect(loginOf(read({ username: "robot\n", password: "p w\r\n" }))).toBe("robot:p w");
  });

  test("with ca.crt alone is anonymous", () => {
    const credentials = read({ "ca.crt": "PEM" });
    expect(credentials.basic).toBeUndefined();
    expect(credentials.caPem).toBe("PEM");
  });

  test.each([
    ["the host", "https://registry.example", "registry.example"],
    ["a URL", "https://registry.example:5000", "https://registry.example:5000/v1/"],
    ["a name of Docker Hub for another", "https://registry-1.docker.io", "https://index.docker.io/v1/"],
  ])("as docker configuration: the entry is found by %s", (_how, server, key) => {
    expect(loginOf(read(docker({ "other.example": { auth: "eDp5" }, [key]: { auth } }), server))).toBe("robot:p:w");
    expect(loginOf(read(docker({ [key]: { username: "u", password: "p" } }), server))).toBe("u:p");
  });

  test("as docker configuration: the entry of another host or port is never taken", () => {
    for (const key of ["other.example", "registry.example:5000", "example", "registry.example.evil.example"])
      expect(() => read(docker({ [key]: { auth } })), key).toThrow(/no entry for registry\.example/);
  });

  test.each([
    [{}, /must have the keys "username" and "password"/],
    [{ username: "canary-user" }, /must have the keys/],
    [{ ".dockerconfigjson": "{canary" }, /is not a docker configuration/],
    [{ ".dockerconfigjson": '["canary"]' }, /is not a docker configuration/],
    [docker({ "registry.example": { auth: "%canary%" } }), /is not a docker configuration/],
    [{ username: "user:canary", password: "canary" }, /no colon/],
    [{ username: "canary-user", password: "canary\u0007" }, /no control characters/],
  ])("%j is refused with what would be right, and nothing of it is repeated", (values, message) => {
    expect(() => read(values)).toThrow(message);
    expect(() => read(values)).not.toThrow(/canary/);
  });

  test("that is not base64 is refused by its key", () => {
    const broken = { data: { username: "!!", password: "eA==" } };
    expect(() => credentialsFromRegistrySecret(broken, "ns/name", "https://r.example")).toThrow('key "username"');
  });

  test("is not shown when its credentials are printed, inspected or serialised", () => {
    const credentials = new RegistryCredentials({ username: "robot", password: "canary" });
    const said = [
      inspect(credentials, { showHidden: true, depth: 9 }),
      JSON.stringify({ credentials }),
      String(credentials),
    ].join();
    expect(said).not.toMatch(/canary|cm9ib3Q6/);
  });
});
