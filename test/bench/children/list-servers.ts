// Twenty API servers with one list of 9 MB each, in a process of their own: `node list-servers.ts COUNT`. Prints their addresses as JSON, and ends
// when its standard input does.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

const page = gunzipSync(readFileSync(new URL("../../fixtures/golden/engine/pvcs.json.gz", import.meta.url)));
const urls: string[] = [];
for (let i = 0; i < Number(process.argv[2]); i++) {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": page.length }).end(page);
  });
  server.keepAliveTimeout = 600_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  urls.push(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
}
process.stdout.write(`${JSON.stringify(urls)}\n`);
process.stdin.resume().once("end", () => process.exit());
