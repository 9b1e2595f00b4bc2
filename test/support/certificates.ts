// A certificate authority for tests: mints server and client certificates, good ones and bad ones, on the fly.
import { webcrypto } from "node:crypto";
import { provideReflectMetadata } from "./reflect-metadata.ts";

provideReflectMetadata();
const x509 = await import("@peculiar/x509");
x509.cryptoProvider.set(webcrypto as Crypto);

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;

export interface Certificate {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface Authority {
  readonly caPem: string;
  /** A certificate for the host names and addresses given; valid from a day ago for thirty days unless said otherwise. */
  issue(options?: {
    hosts?: readonly string[];
    notBefore?: Date;
    notAfter?: Date;
    subject?: string;
  }): Promise<Certificate>;
}

/** A new authority with its own key. */
export async function createAuthority(name = "test authority"): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    notBefore: daysFromNow(-2),
    notAfter: daysFromNow(365),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
  });
  return {
    caPem: ca.toString("pem"),
    async issue({
      hosts = ["127.0.0.1", "localhost"],
      notBefore = daysFromNow(-1),
      notAfter = daysFromNow(30),
      subject = "CN=leaf",
    } = {}) {
      const leafKeys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
      const leaf = await x509.X509CertificateGenerator.create({
        subject,
        issuer: ca.subject,
        notBefore,
        notAfter,
        signingAlgorithm: algorithm,
        publicKey: leafKeys.publicKey,
        signingKey: keys.privateKey,
        extensions: [
          new x509.SubjectAlternativeNameExtension(
            hosts.map((host) => ({ type: /^[\d.]+$/.test(host) ? "ip" : "dns", value: host }) as const),
          ),
        ],
      });
      const key = await webcrypto.subtle.exportKey("pkcs8", leafKeys.privateKey);
      return { certPem: leaf.toString("pem"), keyPem: x509.PemConverter.encode(key, "PRIVATE KEY") };
    },
  };
}

export function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * dayMs);
}
