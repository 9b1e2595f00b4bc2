// Which connections of this machine are open, as its kernel tells: of sockets that nobody reads a process itself does not hear that the
// other side has closed them. Linux alone tells; elsewhere nothing is known.
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";

const tablePath = "/proc/self/net/tcp";
const established = "01";

/** Connections over IPv4 that neither side has closed; undefined: it cannot be told. */
export class KernelConnections {
  readonly #open: ReadonlySet<string>;

  private constructor(open: ReadonlySet<string>) {
    this.#open = open;
  }

  static async read(path = tablePath): Promise<KernelConnections | undefined> {
    const table = await readFile(path, "latin1").catch(() => undefined);
    if (table === undefined) return undefined;
    const open = new Set<string>();
    for (const [, local, remote, state] of table.matchAll(/^ *\d+: (\w{8}:\w{4}) (\w{8}:\w{4}) (\w{2}) /gm)) {
      if (state === established) open.add(`${local} ${remote}`);
    }
    return new KernelConnections(open);
  }

  has({
    localAddress,
    localPort,
    remoteAddress,
    remotePort,
  }: Pick<Socket, "localAddress" | "localPort" | "remoteAddress" | "remotePort">): boolean {
    return this.#open.has(`${hexOf(localAddress, localPort)} ${hexOf(remoteAddress, remotePort)}`);
  }
}

/** `0100007F:1F90`: the bytes of the address from the last to the first. */
function hexOf(address = "", port = 0): string {
  const bytes = address.replace("::ffff:", "").split(".").reverse();
  const hex = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, "0");
  return `${bytes.map((byte) => hex(Number(byte), 2)).join("")}:${hex(port, 4)}`;
}
