/** What a user or a session may end a command with that is writing a file. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/** Calls `clean` when the process is told to stop, which it then does. Answers how to end this. */
export function untilSignal(clean: () => void): () => void {
  const stop = (signal: NodeJS.Signals) => {
    clean();
    // The default action, so that the caller's shell sees the signal.
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.once(signal, stop);
  return () => {
    for (const signal of SIGNALS) process.removeListener(signal, stop);
  };
}
