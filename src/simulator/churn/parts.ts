// Churn of a fleet that several processes serve: each has its share, and together they do what was asked for.
import type { ChurnState } from "./churn.ts";
import type { ChurnSettings } from "./settings.ts";
import { type ChurnKind, churnKinds } from "./stages.ts";
import type { TraceState } from "./trace.ts";

/** What a process is asked for that has this part (0 to 1) of the clusters. */
export function shareOf(settings: ChurnSettings, part: number): ChurnSettings {
  const { eventsPerSecond, burst, maxCatchUp } = settings;
  const atLeastOne = (number: number): number => Math.max(1, Math.round(number * part));
  return {
    ...settings,
    ...(eventsPerSecond === undefined ? {} : { eventsPerSecond: eventsPerSecond * part }),
    ...(burst === undefined ? {} : { burst: { ...burst, size: atLeastOne(burst.size) } }),
    ...(maxCatchUp === undefined ? {} : { maxCatchUp: atLeastOne(maxCatchUp) }),
  };
}

function joinTraces(traces: readonly TraceState[]): TraceState | null {
  const sum = (name: keyof TraceState): number => traces.reduce((total, one) => total + one[name], 0);
  return traces.length === 0 ? null : { steps: sum("steps"), played: sum("played"), refused: sum("refused") };
}

/** @param settings what the whole fleet was asked for */
export function joinStates(settings: ChurnSettings | null, states: readonly ChurnState[]): ChurnState {
  const sum = (value: (state: ChurnState) => number): number => states.reduce((total, one) => total + value(one), 0);
  const begun = Object.fromEntries(churnKinds.map((kind) => [kind, sum((one) => one.begun[kind])]));
  return {
    settings,
    steps: sum(({ steps }) => steps),
    begun: begun as Record<ChurnKind, number>,
    idle: sum(({ idle }) => idle),
    pending: sum(({ pending }) => pending),
    dropped: sum(({ dropped }) => dropped),
    trace: joinTraces(states.flatMap(({ trace }) => trace ?? [])),
  };
}
