import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { KernelConnections } from "../../../../src/simulator/http/kernel-connections.ts";

const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 1 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000  1000        0 2 1 0 20 4 30 10 -1
   2: 0100007F:1F90 0100007F:9C41 08 00000000:00000018 00:00000000 00000000  1000        0 3 1 0 20 4 30 10 -1
 103: 0201007F:0050 0100007F:0010 01 00000000:00000000 00:00000000 00000000  1000        0 4 1 0 20 4 30 10 -1
`;
const socket = (localAddress: string, localPort: number, remotePort: number | undefined) => ({
  ...{ localAddress, localPort, remotePort },
  remoteAddress: remotePort === undefined ? undefined : "127.0.0.1",
});

test("a connection is open while the kernel has it as established, and not when the other side closed it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "kernel-connections-"));
  try {
    writeFileSync(join(folder, "tcp"), table);
    const kernel = await KernelConnections.read(join(folder, "tcp"));
    const isOpen = (...args: Parameters<typeof socket>): boolean | undefined => kernel?.has(socket(...args));
    expect(isOpen("127.0.0.1", 8080, 40_000)).toBe(true);
    expect(isOpen("127.0.1.2", 80, 16)).toBe(true);
    expect(isOpen("127.0.0.1", 8080, 40_001)).toBe(false);
    expect(isOpen("127.0.0.1", 8080, 40_002)).toBe(false);
    expect(isOpen("127.0.0.1", 8080, undefined)).toBe(false);
    expect(await KernelConnections.read(join(folder, "nothing"))).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});
