// Keeps what the hub's API holds in a folder, so that it survives a restart: one file with an object per line, replaced as a whole.
// It lags behind by at most a few seconds, and by nothing once `close` has resolved. It holds Secrets: folder and file are for their owner alone.
import { chmod, lstat, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Cancel, Clock } from "../support/clock.ts";
import { ClusterPulseError, InvalidInputError, safeError } from "../support/errors.ts";
import { apiVersionOf } from "./http/catalog.ts";
import type { HubEngine } from "./hub/engine.ts";
import { type KubeObject, keyOf } from "./hub/object.ts";
import { crdType } from "./kinds/types.ts";

const fileName = "hub.ndjson";
const format = "clusterpulse-simulator-hub/1";
const saveIntervalMs = 2_000;
const maxFileBytes = 1 << 30;
/** More than is ever written between two saves: versions of the last seconds of a killed process are not given out again. */
const revisionMargin = 1_000_000;

export class HubArchive {
  readonly #folder: string;
  readonly #hub: HubEngine;
  readonly #clock: Clock;
  #savedRevision = 0;
  #cancel: Cancel = () => {};
  #saving: Promise<void> = Promise.resolve();

  constructor(folder: string, hub: HubEngine, clock: Clock) {
    this.#folder = folder;
    this.#hub = hub;
    this.#clock = clock;
  }

  /**
   * Puts back what was saved and saves from now on. Definitions that the product brings are those of this version.
   * Throws InvalidInputError for a folder that is not fit, ClusterPulseError ARCHIVE_UNREADABLE for a file that is not one of ours.
   */
  async open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    const stat = await lstat(this.#folder);
    if (!stat.isDirectory()) throw new InvalidInputError([`data folder: ${this.#folder} must be a folder and no link`]);
    if ((stat.mode & 0o077) !== 0) await chmod(this.#folder, 0o700);
    this.#restore(await this.#read());
    this.#savedRevision = this.#hub.store.revision;
    this.#saveLater();
  }

  /** Saves for the last time. Rejects with ARCHIVE_UNWRITABLE. */
  async close(): Promise<void> {
    this.#cancel();
    await this.#saving;
    await this.#save();
  }

  #saveLater(): void {
    this.#cancel = this.#clock.setTimer(() => {
      // What cannot be written now may be later; the last attempt says so.
      this.#saving = this.#save().catch(() => {});
      void this.#saving.then(() => this.#saveLater());
    }, saveIntervalMs);
  }

  async #save(): Promise<void> {
    const { store } = this.#hub;
    const { revision } = store;
    if (revision === this.#savedRevision) return;
    const lines = [...store.tables()].flatMap((table) => table.list().map((stored) => stored.text("full")));
    const path = join(this.#folder, fileName);
    const text = `${[JSON.stringify({ format, revision }), ...lines].join("\n")}\n`;
    try {
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
    } catch (error) {
      throw new ClusterPulseError("ARCHIVE_UNWRITABLE", `${path} cannot be written: ${safeError(error).message}`);
    }
    this.#savedRevision = revision;
  }

  async #read(): Promise<readonly string[]> {
    const path = join(this.#folder, fileName);
    const stat = await lstat(path).catch(() => undefined);
    if (stat === undefined) return [];
    if (!stat.isFile() || stat.size > maxFileBytes) throw unreadable(path);
    return (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
  }

  #restore([head, ...lines]: readonly string[]): void {
    if (head === undefined) return;
    const { store } = this.#hub;
    let revision: number;
    let objects: KubeObject[];
    try {
      const header = JSON.parse(head) as { format?: unknown; revision?: unknown };
      if (header.format !== format || !Number.isSafeInteger(header.revision)) throw new Error("not ours");
      revision = header.revision as number;
      objects = lines.map((line) => JSON.parse(line) as KubeObject);
    } catch {
      throw unreadable(join(this.#folder, fileName));
    }
    const isDefinition = ({ kind }: KubeObject): boolean => kind === crdType.kind;
    for (const definition of objects.filter(isDefinition)) {
      if (store.table(crdType).get(keyOf("", definition.metadata.name)) === undefined) {
        const { resourceVersion: _version, managedFields: _fields, ...metadata } = definition.metadata;
        this.#hub.create(crdType, "", { ...definition, metadata });
      }
    }
    for (const object of objects) {
      const type = this.#hub.catalog.types.find(
        (one) => one.kind === object.kind && apiVersionOf(one) === object.apiVersion && one.storedAs === undefined,
      );
      if (type === undefined || type === crdType) continue;
      const { name, namespace = "" } = object.metadata;
      const isThere = store.table(type).get(keyOf(namespace, name)) !== undefined;
      store.commit(type, isThere ? "MODIFIED" : "ADDED", object);
    }
    store.resumeAfter(revision + revisionMargin);
  }
}

const unreadable = (path: string): ClusterPulseError =>
  new ClusterPulseError("ARCHIVE_UNREADABLE", `${path} is not a simulator's file; move it away or name another folder`);
