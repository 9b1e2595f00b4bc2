// The authority and its one server certificate.
import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { loopbackHosts, mintAuthority, restoreAuthority } from "../../../../src/simulator/http/certificates.ts";

describe("certificates", () => {
  it("verify against their authority for loopback alone", () => {
    const minted = mintAuthority();
    const server = new X509Certificate(minted.issue({ hosts: loopbackHosts }).certPem);
    const authority = new X509Certificate(minted.caPem);
    expect(authority.ca).toBe(true);
    expect(server.ca).toBe(false);
    expect(server.checkIssued(authority)).toBe(true);
    expect(server.verify(authority.publicKey)).toBe(true);
    expect(server.verify(new X509Certificate(mintAuthority().caPem).publicKey)).toBe(false);
    expect(server.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(server.checkIP("127.0.0.2")).toBeUndefined();
    expect(server.checkHost("localhost")).toBe("localhost");
    expect(server.checkHost("example.com")).toBeUndefined();
  });

  it("of a restored authority are the minted one's", () => {
    const { caPem, keyPem } = mintAuthority();
    const authority = new X509Certificate(caPem);
    const server = new X509Certificate(restoreAuthority({ caPem, keyPem }).issue({ hosts: loopbackHosts }).certPem);
    expect(server.checkIssued(authority)).toBe(true);
    expect(server.verify(authority.publicKey)).toBe(true);
  });
});
