// The one clock of the page. All ages tick together, once a second, from one timer that runs only while somebody looks.
// The hub's clock counts: a laptop that is minutes off would otherwise show false ages.

type Listener = () => void;

const listeners = new Set<Listener>();
let timer: ReturnType<typeof setInterval> | undefined;
let offsetMs = 0;
let tickMs = Date.now();

/** Smaller differences are the second-precision of the Date header and the way of the answer. */
const toleratedSkewMs = 2500;

/** Takes the hub's time from the Date header of an answer that has just arrived. */
export function setHubTime(dateHeader: string | null): void {
  const hubMs = dateHeader === null ? Number.NaN : Date.parse(dateHeader);
  if (Number.isNaN(hubMs)) return;
  const skewMs = hubMs - Date.now();
  offsetMs = Math.abs(skewMs) > toleratedSkewMs ? skewMs : 0;
}

/** Now, by the hub's clock. */
export function hubNowMs(): number {
  return Date.now() + offsetMs;
}

/** The time of the last tick: what all ages on the page are computed from. */
export function currentTickMs(): number {
  // Before the first subscription: fresh, yet equal for all who ask during one render.
  if (timer === undefined && Math.abs(hubNowMs() - tickMs) >= 1000) tickMs = hubNowMs();
  return tickMs;
}

/** Calls `listener` every second. Returns the unsubscribe function. */
export function onTick(listener: Listener): () => void {
  listeners.add(listener);
  if (timer === undefined) {
    tickMs = hubNowMs();
    timer = setInterval(() => {
      tickMs = hubNowMs();
      for (const each of listeners) each();
    }, 1000);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}
