// What a simulator costs the machine.

export interface ProcessReport {
  /** Since each process began, all together. */
  readonly cpuMs: number;
  readonly residentBytes: number;
  /** How many processes the simulator has. */
  readonly processes: number;
}

/** Of this process. */
export function processReport(): ProcessReport {
  const { user, system } = process.cpuUsage();
  return { cpuMs: (user + system) / 1_000, residentBytes: process.memoryUsage.rss(), processes: 1 };
}

export function sumOf(reports: readonly ProcessReport[]): ProcessReport {
  const sum = (member: keyof ProcessReport): number => reports.reduce((total, report) => total + report[member], 0);
  return { cpuMs: sum("cpuMs"), residentBytes: sum("residentBytes"), processes: sum("processes") };
}
