// How late the clusters that can be reached are collected, over the last ten minutes: the line that must not move when others break.
// The scale is fixed until something is really late, so that a hair's breadth does not look like a mountain.
import { fetchLateness, type LatenessSample } from "./api.ts";
import { usePolled } from "./use-polled.ts";

const pollMs = 5_000;
const windowMs = 600_000;
const leastScaleMs = 1_000;
const size = { width: 600, height: 28 };

export function LatenessLine() {
  const { answer } = usePolled(fetchLateness, pollMs);
  const last = answer?.at(-1);
  if (answer === null || last === undefined) return null;
  const most = Math.max(...answer.map(({ p99Ms }) => p99Ms));
  const scaleMs = Math.max(leastScaleMs, most);
  return (
    <section
      className="cp-lateness"
      aria-label="Lateness of reachable clusters"
      data-lateness-p99={Math.round(last.p99Ms)}
      data-lateness-most={Math.round(most)}
      title={`From a cluster's turn to the end of its collection, of clusters that could be reached the time before; 99 of 100 are quicker. Full height: ${formatLateness(scaleMs)}.`}
    >
      <span className="cp-subtle">Lateness of reachable clusters, last 10 min</span>
      <svg viewBox={`0 0 ${size.width} ${size.height}`} preserveAspectRatio="none" aria-hidden="true">
        <line x1="0" x2={size.width} y1={size.height - 1} y2={size.height - 1} />
        <polyline points={pointsOf(answer, last.atMs, scaleMs)} />
      </svg>
      <span>
        {formatLateness(last.p99Ms)} <span className="cp-subtle">most {formatLateness(most)}</span>
      </span>
    </section>
  );
}

function pointsOf(samples: readonly LatenessSample[], untilMs: number, scaleMs: number): string {
  return samples
    .map(({ atMs, p99Ms }) => {
      const x = size.width * (1 - (untilMs - atMs) / windowMs);
      const y = size.height - 1 - (size.height - 2) * Math.min(1, p99Ms / scaleMs);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}

const formatLateness = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`);
