// The columns of the supervision tree, in order.
import { Button } from "@patternfly/react-core/dist/esm/components/Button";
import { Label } from "@patternfly/react-core/dist/esm/components/Label";
import AngleDownIcon from "@patternfly/react-icons/dist/esm/icons/angle-down-icon";
import AngleRightIcon from "@patternfly/react-icons/dist/esm/icons/angle-right-icon";
import { type ActorTreeRow, runShare } from "./actor-tree.ts";
import { Age } from "./age.tsx";
import { formatDuration } from "./ages.ts";
import type { ActorSnapshot } from "./api.ts";
import { Bar } from "./bar.tsx";
import { useTick } from "./hooks.ts";
import { formatCount } from "./units.ts";
import type { Column } from "./virtual-table.tsx";

/** `onToggle` folds and unfolds the actor at a path. */
export function actorColumns(onToggle: (path: string) => void): readonly Column<ActorTreeRow>[] {
  return [
    { key: "actor", title: "Actor", width: "20%", render: (row) => <Name row={row} onToggle={onToggle} /> },
    {
      key: "state",
      title: "State",
      width: "7rem",
      render: ({ node: { actor, troubles } }) =>
        actor && (
          <span title={troubles.join("; ")}>
            <StateLabel actor={actor} isTroubled={troubles.length > 0} />
          </span>
        ),
    },
    {
      key: "mailbox",
      title: "Mailbox",
      hint: "Messages waiting / capacity, user and system lane",
      width: "8rem",
      render: ({ node: { actor } }) => actor && <Mailbox actor={actor} />,
    },
    {
      key: "processed",
      title: "Processed",
      width: "6rem",
      align: "end",
      fromPx: 768,
      render: ({ node: { actor } }) => formatCount(actor?.processed),
    },
    {
      key: "restarts",
      title: "Restarts",
      width: "5rem",
      align: "end",
      fromPx: 768,
      render: ({ node: { actor } }) => actor && <Bad count={actor.restarts} />,
    },
    {
      key: "runs",
      title: "Runs",
      hint: "Running work: elapsed / deadline",
      fromPx: 768,
      render: ({ node: { actor } }) => actor && <Runs actor={actor} />,
    },
    {
      key: "next",
      title: "Next timer",
      width: "6.5rem",
      align: "end",
      fromPx: 1024,
      render: ({ node: { actor } }) => actor && <Countdown atMs={actor.nextTimerAtMs} />,
    },
    {
      key: "skipped",
      title: "Skipped",
      hint: "Timer turns and runs that were skipped because the one before was still going",
      width: "5rem",
      align: "end",
      fromPx: 1280,
      render: ({ node: { actor } }) => actor && formatCount(actor.skippedTicks + actor.skippedRuns),
    },
    {
      key: "dead",
      title: "Dead letters",
      width: "6.5rem",
      align: "end",
      fromPx: 1280,
      render: ({ node: { actor } }) => actor && <Bad count={actor.deadLetters} />,
    },
    {
      key: "error",
      title: "Last error",
      width: "18%",
      fromPx: 1024,
      render: ({ node: { actor } }) => actor && <LastError error={actor.lastError} />,
    },
  ];
}

function Name({ row, onToggle }: { readonly row: ActorTreeRow; onToggle(path: string): void }) {
  const { node, level, isFolded } = row;
  return (
    <div className="cp-actor" style={{ paddingInlineStart: `${(level - 1) * 1.25}rem` }}>
      {node.children.length > 0 ? (
        <Button
          variant="plain"
          size="sm"
          className="cp-actor__toggle"
          aria-label={`${isFolded ? "Unfold" : "Fold"} ${node.path}`}
          icon={isFolded ? <AngleRightIcon /> : <AngleDownIcon />}
          onClick={() => onToggle(node.path)}
        />
      ) : (
        <span className="cp-actor__toggle" />
      )}
      <span className="cp-line" title={node.path}>
        {node.name} {node.actor?.kind !== node.name && <span className="cp-subtle">{node.actor?.kind}</span>}
      </span>
      {isFolded && (
        <span className="cp-subtle">
          {node.below} below
          {node.troubledBelow > 0 && <b className="cp-text--degraded">, {node.troubledBelow} troubled</b>}
        </span>
      )}
    </div>
  );
}

function StateLabel({ actor, isTroubled }: { readonly actor: ActorSnapshot; readonly isTroubled: boolean }) {
  const isDown = actor.state === "degraded" || actor.state === "backoff";
  return (
    <Label
      isCompact
      variant={isTroubled ? "filled" : "outline"}
      {...(isDown ? { status: "danger" } : isTroubled && { status: "warning" })}
    >
      {actor.state}
    </Label>
  );
}

function Mailbox({ actor: { mailbox } }: { readonly actor: ActorSnapshot }) {
  const waiting = mailbox.user + mailbox.system;
  const capacity = mailbox.userCapacity + mailbox.systemCapacity;
  const share = Math.max(mailbox.user / mailbox.userCapacity, mailbox.system / mailbox.systemCapacity);
  const details = `user ${mailbox.user}/${mailbox.userCapacity}, system ${mailbox.system}/${mailbox.systemCapacity}, at most ${mailbox.highWater} so far, ${mailbox.coalesced} coalesced, ${mailbox.overflowed} overflowed`;
  return (
    <div className="cp-mailbox" title={details}>
      <span>
        {waiting} / {capacity}
        {mailbox.overflowed > 0 && <b className="cp-text--degraded"> {formatCount(mailbox.overflowed)} lost</b>}
      </span>
      <Bar share={share} warnsFrom={0.8} />
    </div>
  );
}

function Bad({ count }: { readonly count: number }) {
  return <span className={count > 0 ? "cp-lacking" : "cp-zero"}>{formatCount(count)}</span>;
}

function Runs({ actor }: { readonly actor: ActorSnapshot }) {
  return actor.runs.map((run) => <Run key={run.name} run={run} />);
}

function Run({ run }: { readonly run: ActorSnapshot["runs"][number] }) {
  const elapsed = useTick((nowMs) => formatDuration(nowMs - run.startedAtMs));
  const share = useTick((nowMs) => runShare(run, nowMs));
  return (
    <div className="cp-run">
      <span className="cp-line" title={run.name}>
        {run.name}
      </span>
      <span className="cp-subtle">
        {elapsed} / {formatDuration(run.deadlineAtMs - run.startedAtMs)}
      </span>
      <Bar share={share} warnsFrom={0.8} />
    </div>
  );
}

function Countdown({ atMs }: { readonly atMs: number | null }) {
  const text = useTick((nowMs) => (atMs === null ? "–" : atMs <= nowMs ? "due" : `in ${formatDuration(atMs - nowMs)}`));
  return <span className="cp-age">{text}</span>;
}

function LastError({ error }: { readonly error: ActorSnapshot["lastError"] }) {
  if (error === null) return null;
  return (
    <div title={`${error.code}: ${error.message}`}>
      <div className="cp-line">
        {error.code}{" "}
        <span className="cp-subtle">
          <Age atMs={error.atMs} what="Happened" /> ago
        </span>
      </div>
      <div className="cp-line cp-subtle">{error.message}</div>
    </div>
  );
}
