// Commands start others, and leave none of them behind, whatever becomes of themselves.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import { startProgram } from "../../src/cli/child.ts";
import { isAlive, root } from "../support/processes.ts";

const parents: ChildProcess[] = [];
afterAll(() => {
  for (const parent of parents) parent.kill("SIGKILL");
});

test("a foreign program ends with the process that started it, also when that is killed", async () => {
  const script = `
    const { startProgram } = await import("./src/cli/child.ts");
    const child = startProgram("sh", ["-c", "echo ready; exec sleep 300"]);
    await child.firstLine(60_000);
    console.log(child.pid);`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", script], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  parents.push(parent);
  const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
  expect(isAlive(Number(line))).toBe(true);
  // It writes its errors where its parent does: they end when nobody is left who could.
  parent.stderr.resume();
  const ended = once(parent.stderr, "close");
  parent.kill("SIGKILL");
  await ended;
});

test("a foreign program is told to stop, and one that is not there ended", async () => {
  const child = startProgram("sh", ["-c", "echo ready; exec sleep 300"]);
  expect(await child.firstLine(60_000)).toBe("ready");
  await child.stop(60_000);
  expect(isAlive(child.pid)).toBe(false);
  await expect(startProgram("no-such-program", []).firstLine(60_000)).rejects.toMatchObject({ code: "CHILD_ENDED" });
});
