/** Traps: signals that came are noted, and their actions run between commands; EXIT, ERR, DEBUG and RETURN at their places. */

import { FunctionReturn, ShellExit } from './flow.ts';
import { runString } from './reader.ts';
import type { Shell } from './shell.ts';
import { signalName } from './signals.ts';
import { statusOf } from './subshell.ts';

/** Runs an action; `$?` is afterwards what it was. */
async function runAction(shell: Shell, name: string, action: string): Promise<void> {
  const { status, pipeStatus, runningTrap, line, source } = shell;
  shell.runningTrap = name;
  try {
    await runString(shell, action, line);
  } catch (error) {
    if (error instanceof FunctionReturn || error instanceof ShellExit) shell.runningTrap = runningTrap;
    throw error;
  }
  shell.runningTrap = runningTrap;
  shell.status = status;
  shell.pipeStatus = pipeStatus;
  shell.line = line;
  shell.source = source;
}

/** Runs the actions of the signals that have come. */
export async function runPendingTraps(shell: Shell): Promise<void> {
  while (shell.pending.length > 0) {
    const name = signalName(shell.pending.shift()!)!;
    const action = shell.traps.get(name);
    if (action) await runAction(shell, name, action);
  }
}

/** Runs ERR, DEBUG or RETURN, if set and not in itself. */
export async function runPseudoTrap(shell: Shell, name: 'ERR' | 'DEBUG' | 'RETURN'): Promise<void> {
  const action = shell.traps.get(name);
  if (action && shell.runningTrap !== name) await runAction(shell, name, action);
}

/** Runs the EXIT trap at the end of a shell: the shell's status. */
export async function runExitTrap(shell: Shell): Promise<number> {
  const action = shell.traps.get('EXIT');
  if (!action) return shell.status;
  shell.traps.delete('EXIT');
  const { status } = shell;
  shell.runningTrap = 'EXIT';
  try {
    await runString(shell, action, 1);
  } catch (error) {
    return statusOf(error);
  }
  return status;
}
