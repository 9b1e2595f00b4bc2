// The simulator's own certificate authority and the server certificates it issues, good ones and bad ones, minted when they are needed
// and held in memory only. It writes exactly the X.509 (RFC 5280) that a TLS client needs to verify loopback, on EC P-256 with SHA-256.
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { systemClock } from "../../support/clock.ts";

export interface ServerIdentity {
  readonly certPem: string;
  readonly keyPem: string;
}

const dayMs = 86_400_000;
const sequenceTag = 0x30;

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const body = Buffer.concat(contents);
  const length =
    body.length < 0x80
      ? [body.length]
      : body.length < 0x100
        ? [0x81, body.length]
        : [0x82, body.length >> 8, body.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
}

const sequence = (...contents: readonly Buffer[]): Buffer => der(sequenceTag, ...contents);
const explicit = (number: number, content: Buffer): Buffer => der(0xa0 | number, content);
const octets = (content: Buffer): Buffer => der(0x04, content);
const derTrue = der(0x01, Buffer.from([0xff]));

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return der(0x06, Buffer.from(bytes));
}

const commonName = (text: string): Buffer =>
  sequence(der(0x31, sequence(objectId("2.5.4.3"), der(0x0c, Buffer.from(text)))));

/** GeneralizedTime, whole seconds. */
function time(epochMs: number): Buffer {
  const digits = new Date(epochMs).toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return der(0x18, Buffer.from(`${digits}Z`));
}

function extension(id: string, critical: boolean, value: Buffer): Buffer {
  return sequence(objectId(id), ...(critical ? [derTrue] : []), octets(value));
}

const ecdsaWithSha256 = sequence(objectId("1.2.840.10045.4.3.2"));

function certificate(fields: {
  subject: string;
  issuer: string;
  publicKey: KeyObject;
  signingKey: KeyObject;
  extensions: readonly Buffer[];
  validDays?: readonly [from: number, to: number];
}): string {
  // Certificates are checked against the machine's time, whatever clock the simulated world runs on.
  const nowMs = systemClock.nowMs();
  const [from, to] = fields.validDays ?? [-1, 365];
  const serial = randomBytes(16);
  serial[0] = ((serial[0] as number) & 0x7f) | 0x40;
  const toBeSigned = sequence(
    explicit(0, der(0x02, Buffer.from([2]))),
    der(0x02, serial),
    ecdsaWithSha256,
    commonName(fields.issuer),
    sequence(time(nowMs + from * dayMs), time(nowMs + to * dayMs)),
    commonName(fields.subject),
    fields.publicKey.export({ type: "spki", format: "der" }),
    explicit(3, sequence(...fields.extensions)),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", toBeSigned, fields.signingKey));
  const base64 = sequence(toBeSigned, ecdsaWithSha256, signature).toString("base64");
  return `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{1,64}/g, "$&\n")}-----END CERTIFICATE-----\n`;
}

export interface CertificateOptions {
  /** DNS names and IPv4 addresses that the certificate is for. */
  readonly hosts: readonly string[];
  /** Days from now; from yesterday for one year unless told. */
  readonly validDays?: readonly [from: number, to: number];
}

export interface Authority {
  /** PEM of the authority's certificate: what clients trust. */
  readonly caPem: string;
  /** PEM of the key that it signs with. */
  readonly keyPem: string;
  issue(options: CertificateOptions): ServerIdentity;
}

export const loopbackHosts: readonly string[] = ["localhost", "127.0.0.1"];

const simulatorName = "clusterpulse-simulator-ca";

/** Mints an authority, valid from yesterday for one year. */
export function mintAuthority(name = simulatorName): Authority {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const caPem = certificate({
    subject: name,
    issuer: name,
    publicKey: authority.publicKey,
    signingKey: authority.privateKey,
    extensions: [
      extension("2.5.29.19", true, sequence(derTrue)), // basicConstraints: an authority
      extension("2.5.29.15", true, der(0x03, Buffer.from([1, 0x06]))), // keyUsage: keyCertSign, cRLSign
    ],
  });
  return authorityWith(caPem, authority.privateKey, name);
}

/** The simulator's authority in another process, which minted it. */
export function restoreAuthority({ caPem, keyPem }: Pick<Authority, "caPem" | "keyPem">): Authority {
  return authorityWith(caPem, createPrivateKey(keyPem), simulatorName);
}

function authorityWith(caPem: string, signingKey: KeyObject, name: string): Authority {
  return {
    caPem,
    keyPem: pemOf(signingKey),
    issue({ hosts, validDays }) {
      const server = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const certPem = certificate({
        subject: "clusterpulse-simulator",
        issuer: name,
        publicKey: server.publicKey,
        signingKey,
        extensions: [
          extension("2.5.29.15", true, der(0x03, Buffer.from([7, 0x80]))), // keyUsage: digitalSignature
          extension("2.5.29.37", false, sequence(objectId("1.3.6.1.5.5.7.3.1"))), // extKeyUsage: serverAuth
          extension("2.5.29.17", false, sequence(...hosts.map(alternativeName))),
        ],
        ...(validDays === undefined ? {} : { validDays }),
      });
      return { certPem, keyPem: pemOf(server.privateKey) };
    },
  };
}

const pemOf = (key: KeyObject): string => key.export({ type: "pkcs8", format: "pem" }).toString();

const alternativeName = (host: string): Buffer =>
  /^\d+\.\d+\.\d+\.\d+$/.test(host)
    ? der(0x87, Buffer.from(host.split(".").map(Number)))
    : der(0x82, Buffer.from(host));
