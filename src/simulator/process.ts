// How commands find a simulator that runs in another process: a small file per process in a folder that only its owner can read,
// for it holds the admin token. Files of processes that are gone are removed by whoever looks.
import { chmod, lstat, mkdir, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ClusterPulseError } from "../support/errors.ts";

export interface RunFile {
  readonly pid: number;
  readonly admin: { readonly url: string; readonly token: string };
  /** RFC 3339. */
  readonly startedAt: string;
}

/** Where the files are, unless told otherwise. */
export const defaultRunDirectory = (): string => join(tmpdir(), `clusterpulse-${process.getuid?.() ?? "user"}`);

const maxFileBytes = 16 * 1024;
const fileName = /^simulator-(\d{1,10})\.json$/;

/** Writes this process's file; call the returned function on the way out. Throws ClusterPulseError RUN_DIRECTORY_UNSAFE. */
export async function writeRunFile(
  { admin, startedAt }: Omit<RunFile, "pid">,
  directory = defaultRunDirectory(),
): Promise<() => Promise<void>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await checkDirectory(directory);
  const path = join(directory, `simulator-${process.pid}.json`);
  await rm(path, { force: true });
  const content: RunFile = { pid: process.pid, admin, startedAt };
  // wx: whatever appeared there in between is not written through.
  await writeFile(path, `${JSON.stringify(content)}\n`, { mode: 0o600, flag: "wx" });
  return async () => {
    await rm(path, { force: true });
    // Fails while another simulator has its file there, which is as it should be.
    await rmdir(directory).catch(() => undefined);
  };
}

/** Simulators that run now, the newest first. Throws ClusterPulseError RUN_DIRECTORY_UNSAFE. */
export async function findSimulators(directory = defaultRunDirectory()): Promise<RunFile[]> {
  const isThere = await lstat(directory).then(
    () => true,
    () => false,
  );
  if (!isThere) return [];
  await checkDirectory(directory);
  const found: RunFile[] = [];
  for (const name of await readdir(directory)) {
    const pid = Number(fileName.exec(name)?.[1] ?? "0");
    if (pid === 0) continue;
    const path = join(directory, name);
    if (!isAlive(pid)) await rm(path, { force: true });
    else {
      const file = await readRunFile(path);
      if (file?.pid === pid) found.push(file);
    }
  }
  return found.sort((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
}

/** The folder is real, ours alone, and nobody else can look into it. */
async function checkDirectory(directory: string): Promise<void> {
  const stat = await lstat(directory);
  const isOwn = process.getuid === undefined || stat.uid === process.getuid();
  if (!stat.isDirectory() || !isOwn) {
    throw new ClusterPulseError(
      "RUN_DIRECTORY_UNSAFE",
      `${directory}: must be a directory of this user and no symbolic link; remove it or move it away`,
    );
  }
  if ((stat.mode & 0o077) !== 0) await chmod(directory, 0o700);
}

function isAlive(pid: number): boolean {
  try {
    // Signal 0 only asks. A process of another user (EPERM) has been given the number since.
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function readRunFile(path: string): Promise<RunFile | undefined> {
  try {
    const stat = await lstat(path);
    if (!stat.isFile() || stat.size > maxFileBytes) return undefined;
    const content = JSON.parse(await readFile(path, "utf8")) as RunFile;
    const isWhole = typeof content.admin.url === "string" && typeof content.admin.token === "string";
    return isWhole && typeof content.startedAt === "string" ? content : undefined;
  } catch {
    return undefined;
  }
}
