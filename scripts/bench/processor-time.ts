/** Milliseconds of processor time that this process has taken, on all threads: what a busy machine does not change. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
