/** The terminal hands on each key as it is, and is given back as it was, however the work ends. */
export async function withRawMode<T>(work: () => Promise<T>): Promise<T> {
  const { stdin } = process;
  const restore = () => stdin.setRawMode?.(false);
  // Signals end the process without coming back here.
  const end = (signal: NodeJS.Signals) => {
    restore();
    process.off(signal, end);
    process.kill(process.pid, signal);
  };
  const signals = ["SIGTERM", "SIGHUP"] as const;
  process.on("exit", restore);
  for (const signal of signals) process.on(signal, end);
  stdin.setRawMode?.(true);
  stdin.resume();
  try {
    return await work();
  } finally {
    restore();
    stdin.pause();
    process.off("exit", restore);
    for (const signal of signals) process.off(signal, end);
  }
}
