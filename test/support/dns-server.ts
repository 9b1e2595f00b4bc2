// A name server on 127.0.0.1 that answers A and AAAA questions as it is told, or not at all.
import { createSocket } from "node:dgram";
import { isIPv6 } from "node:net";

export interface DnsServer {
  /** `address:port`. */
  readonly server: string;
  /** Names asked for, without repeats by family. */
  readonly asked: Set<string>;
  close(): Promise<void>;
}

/** What to answer for a name: its addresses (none: no such name), or nothing ever. */
export type DnsAnswer = readonly string[] | "silence" | "servfail";

/** @param answer asked for each question */
export async function dnsServer(answer: (name: string, family: 4 | 6) => DnsAnswer): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const asked = new Set<string>();
  socket.on("message", (message, from) => {
    const { name, end } = readName(message);
    const family = message.readUInt16BE(end) === 28 ? 6 : 4;
    asked.add(name);
    const found = answer(name, family);
    if (found === "silence") return;
    const records =
      found === "servfail" ? [] : found.filter((address) => isIPv6(address) === (family === 6)).map(record);
    const header = Buffer.alloc(12);
    message.copy(header, 0, 0, 2);
    const code = found === "servfail" ? 2 : found.length === 0 ? 3 : 0;
    header.writeUInt16BE(0x8180 | code, 2);
    header.writeUInt16BE(1, 4);
    header.writeUInt16BE(records.length, 6);
    socket.send(Buffer.concat([header, message.subarray(12, end + 4), ...records]), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
  return {
    server: `127.0.0.1:${socket.address().port}`,
    asked,
    close: () => new Promise((resolve) => socket.close(() => resolve())),
  };
}

function readName(message: Buffer): { name: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), end: at + 1 };
}

/** Its name is a pointer to the question's. */
function record(address: string): Buffer {
  const bytes = isIPv6(address) ? ipv6Bytes(address) : Buffer.from(address.split(".").map(Number));
  const head = Buffer.alloc(12);
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(isIPv6(address) ? 28 : 1, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(0, 6);
  head.writeUInt16BE(bytes.length, 10);
  return Buffer.concat([head, bytes]);
}

function ipv6Bytes(address: string): Buffer {
  const [head = "", tail = ""] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === "" ? [] : tail.split(":");
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => "0"), ...right];
  return Buffer.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 255]));
}
