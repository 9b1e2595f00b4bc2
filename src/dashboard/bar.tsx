// A thin bar for a share of something. Decoration only: the numbers stand beside it as text.

interface BarProps {
  /** From 0 to 1; more is drawn as 1. */
  readonly share: number;
  /** From this share on the bar is drawn as a warning. */
  readonly warnsFrom: number;
}

export function Bar({ share, warnsFrom }: BarProps) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  return (
    <div className={`cp-bar${share >= warnsFrom ? " cp-bar--warning" : ""}`} aria-hidden="true">
      <div style={{ width: `${percent}%` }} />
    </div>
  );
}
