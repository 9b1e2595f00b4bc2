// What happened once, to happen again: a trace of one JSON object per line, each a step of one object at a time. Played one after the
// other, with one timer. Steps are those that stages take, so that the truth knows of them, or patches, of which it does not.
import type { Clock } from "../../support/clock.ts";
import { InvalidInputError } from "../../support/errors.ts";
import type { TimerHandle, TimerWheel } from "../../support/timer-wheel.ts";
import { tableOf } from "../world/tables.ts";
import { type ChurnedKind, resourceOf } from "../world/variants.ts";
import type { World } from "../world/world.ts";
import { subjectsOf } from "./moves.ts";
import { type Patch, patchObject } from "./patch.ts";
import { type StageSet, stageSets } from "./stages.ts";

export interface TraceStep {
  /** From the begin of the trace. */
  readonly atMs: number;
  readonly cluster: string;
  readonly kind: StageSet["kind"];
  /** Its place among all of its kind, or its name: `namespace/name` where there are namespaces. */
  readonly object: number | string;
  /** A condition that a stage of that kind leads to, or `patch`. */
  readonly op: string;
  /** Of the op `patch`. */
  readonly patch?: Patch;
}

export interface TraceState {
  readonly steps: number;
  readonly played: number;
  /** Steps of objects that were not there, or could not come into that condition. */
  readonly refused: number;
}

const maxSteps = 100_000;
const maxProblems = 20;
const maxMs = 7 * 86_400_000;
const maxPatchBytes = 16 * 1024;
const kinds = Object.keys(subjectsOf);

/** Conditions that an object of the kind can come into. */
const conditionsOf = (kind: string): readonly string[] => {
  const all = Object.values(stageSets)
    .filter((set) => set.kind === kind)
    .flatMap(({ stages }) => stages.map(({ next }) => next));
  return [...new Set(all)].filter((condition) => condition !== "end").sort();
};

/** Reads a trace: `{"t":1500,"cluster":"prod-fra-01","kind":"nodes","idx":2,"op":"notReady"}`. Throws InvalidInputError. */
export function parseTrace(text: string): readonly TraceStep[] {
  const problems: string[] = [];
  const steps = text.split("\n").flatMap((line, index) => {
    const step = line.trim() === "" || problems.length >= maxProblems ? undefined : readStep(line, index + 1, problems);
    return step === undefined ? [] : [step];
  });
  if (steps.length > maxSteps) problems.push(`the trace has more than ${maxSteps} steps`);
  if (steps.length === 0 && problems.length === 0) problems.push("the trace has no steps");
  if (problems.length > 0) throw new InvalidInputError(problems.slice(0, maxProblems));
  return steps.sort((a, b) => a.atMs - b.atMs);
}

function readStep(line: string, number: number, problems: string[]): TraceStep | undefined {
  const wrong = (problem: string): undefined => void problems.push(`trace line ${number}: ${problem}`);
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return wrong("is not JSON");
  }
  const { t, cluster, kind, idx, name, op, patch } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (!(typeof t === "number" && t >= 0 && t <= maxMs)) return wrong(`t: must be milliseconds from 0 to ${maxMs}`);
  if (typeof cluster !== "string") return wrong("cluster: must be the name of a cluster");
  if (typeof kind !== "string" || !kinds.includes(kind)) return wrong(`kind: must be one of ${kinds.join(", ")}`);
  const object = idx ?? name;
  const isObject = idx === undefined ? typeof name === "string" : Number.isInteger(idx) && (idx as number) >= 0;
  if (!isObject || (idx !== undefined && name !== undefined)) {
    return wrong("idx or name: one of them must be there, a whole number from 0 on or a text");
  }
  const ops = [...conditionsOf(kind), ...(kind === "clusters" ? [] : ["patch"])];
  if (typeof op !== "string" || !ops.includes(op)) return wrong(`op: must be one of ${ops.join(", ")}`);
  const step = { atMs: t, cluster, kind: kind as StageSet["kind"], object: object as number | string, op };
  if (op !== "patch") return patch === undefined ? step : wrong("patch: belongs to the op patch");
  const isPatch = typeof patch === "object" && patch !== null && !Array.isArray(patch);
  if (!isPatch || JSON.stringify(patch).length > maxPatchBytes) {
    return wrong(
      `patch: must be an object such as {"metadata":{"labels":{"a":"b"}}}, of at most ${maxPatchBytes} characters`,
    );
  }
  return { ...step, patch: patch as Patch };
}

export class TraceRun {
  readonly #steps: readonly TraceStep[];
  readonly #speed: number;
  readonly #worldOf: (cluster: string) => World;
  readonly #clock: Clock;
  readonly #wheel: TimerWheel;
  readonly #startedMs: number;
  #timer: TimerHandle | undefined;
  #played = 0;
  #refused = 0;

  /** Begins at once. @param speed 2 plays it in half the time. */
  constructor(
    steps: readonly TraceStep[],
    speed: number,
    worldOf: (cluster: string) => World,
    { clock, wheel }: { readonly clock: Clock; readonly wheel: TimerWheel },
  ) {
    this.#steps = steps;
    this.#speed = speed;
    this.#worldOf = worldOf;
    this.#clock = clock;
    this.#wheel = wheel;
    this.#startedMs = clock.monotonicMs();
    this.#wait();
  }

  get state(): TraceState {
    return { steps: this.#steps.length, played: this.#played, refused: this.#refused };
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #wait(): void {
    const next = this.#steps[this.#played];
    if (next === undefined) return;
    this.#timer = this.#wheel.scheduleAt(this.#startedMs + next.atMs / this.#speed, () => this.#playDue());
  }

  #playDue(): void {
    const untilMs = (this.#clock.monotonicMs() - this.#startedMs) * this.#speed;
    for (let next = this.#steps[this.#played]; next !== undefined && next.atMs <= untilMs; ) {
      if (!this.#play(next)) this.#refused++;
      next = this.#steps[++this.#played];
    }
    this.#wait();
  }

  #play({ cluster, kind, object, op, patch }: TraceStep): boolean {
    const world = this.#worldOf(cluster);
    if (patch !== undefined && kind !== "clusters") {
      const [namespace, name] = typeof object === "string" ? partsOf(object) : namesAt(world, kind, object);
      return name !== "" && patchObject(world, kind, namespace, name, patch);
    }
    const place = typeof object === "number" ? object : placeOf(world, kind, object);
    const seed = world.seedModel();
    if (place === undefined || place >= subjectsOf[kind].count(seed)) return false;
    const subject = subjectsOf[kind].at(world, seed, place);
    return subject?.canBecome(op) === true && subject.become(op, Math.floor(this.#clock.nowMs() / 1_000));
  }
}

/** `namespace/name`, or the name alone. */
function partsOf(text: string): readonly [namespace: string, name: string] {
  const slash = text.indexOf("/");
  return slash < 0 ? ["", text] : [text.slice(0, slash), text.slice(slash + 1)];
}

/** Of the object in that place now; no name when there is none. */
function namesAt(world: World, kind: ChurnedKind, place: number): readonly [namespace: string, name: string] {
  const table = tableOf(resourceOf(kind), world.model());
  const at = table?.indexOf(place) ?? -1;
  return table === undefined || at < 0 ? ["", ""] : [table.namespaceOf(at), table.nameOf(at)];
}

/** Of an object that is there now; undefined when there is none of that name. */
function placeOf(world: World, kind: StageSet["kind"], name: string): number | undefined {
  if (kind === "clusters") return 0;
  const model = world.model();
  const table = tableOf(resourceOf(kind), model);
  const count = subjectsOf[kind].count(model);
  for (let place = 0; table !== undefined && place < count; place++) {
    const at = table.indexOf(place);
    const namespace = at < 0 ? "" : table.namespaceOf(at);
    if (at >= 0 && `${namespace === "" ? "" : `${namespace}/`}${table.nameOf(at)}` === name) return place;
  }
  return undefined;
}
