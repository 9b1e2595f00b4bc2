import { describe, expect, it } from "vitest";
import { parseRedisUrl } from "../../../../src/store/redis/url.ts";

const plain = { host: "r", port: 6379, tls: false, username: undefined, password: undefined, database: 0 };

describe("the Redis URL", () => {
  it.each([
    ["redis://r", plain],
    ["redis://r:1234/7", { ...plain, port: 1234, database: 7 }],
    ["redis://r/", plain],
    ["rediss://r", { ...plain, tls: true }],
    ["redis://[::1]:1", { ...plain, host: "::1", port: 1 }],
    ["redis://:p%40ss@r", { ...plain, password: "p@ss" }],
    ["redis://user:p@r", { ...plain, username: "user", password: "p" }],
  ])("reads %s", (url, address) => {
    expect(parseRedisUrl(url)).toEqual(address);
  });

  it.each([
    ["secret@nonsense", "not a URL"],
    ["http://:secret@r", "redis://"],
    ["redis://:secret@r/one", "number of the database"],
    ["redis://:secret@r/0/1", "number of the database"],
    ["redis://:secret@r?db=3", "must end"],
    ["redis://:secret%zz@r", "password has a %"],
    ["redis://", "host"],
  ])("refuses %s, says why, and does not quote it", (url, problem) => {
    let message = "";
    try {
      parseRedisUrl(url);
    } catch (error) {
      expect(error).toMatchObject({ code: "INVALID_INPUT" });
      message = String(error);
    }
    expect(message).toContain(problem);
    expect(message).not.toContain("secret");
  });
});
