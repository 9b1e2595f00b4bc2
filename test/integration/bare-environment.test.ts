import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** What a thread with a bare environment sees of its process's. */
async function seenByThread(env: NodeJS.ProcessEnv): Promise<unknown> {
  const module = new URL("../../src/support/bare-environment.ts", import.meta.url).href;
  const source = `
    import { Worker } from "node:worker_threads";
    import { bareEnvironment } from ${JSON.stringify(module)};
    const see = 'console.log(JSON.stringify({ env: process.env, cache: process.getBuiltinModule("node:module").getCompileCacheDir() ?? null }))';
    new Worker(see, { eval: true, env: bareEnvironment() });`;
  const args = ["--input-type=module", "-e", source];
  return JSON.parse((await promisify(execFile)(process.execPath, args, { env })).stdout);
}

test("a thread sees no variable of its process, and shares its cache of compiled sources", async () => {
  const directory = await mkdtemp(join(tmpdir(), "compile-cache-"));
  try {
    const seen = await seenByThread({ NODE_COMPILE_CACHE: directory, REDIS_PASSWORD: "hunter2" });
    expect(seen).toEqual({ env: { NODE_COMPILE_CACHE: directory }, cache: expect.stringContaining(directory) });
    expect(await seenByThread({ REDIS_PASSWORD: "hunter2" })).toEqual({ env: {}, cache: null });
  } finally {
    await rm(directory, { recursive: true });
  }
});
