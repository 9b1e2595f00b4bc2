// Ports for servers that cannot be told to take any, and for places where nobody is to listen.
import { createServer } from "node:net";

// Below what the kernel gives to connections and to listeners on port 0: between choosing and listening nobody is given it by chance, and
// whoever tries again and again while a server is away never connects to itself.
const firstPort = 12_000;
const ports = 20_000;
/** Each process begins elsewhere, and none chooses a port twice. */
let next = (process.pid * 37) % ports;

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 1_000; tries++) {
    const port = firstPort + next;
    next = (next + 1) % ports;
    if (await isFree(port)) return port;
  }
  throw new Error("a thousand ports in a row are taken");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
