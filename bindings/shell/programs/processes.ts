/** The processes of the world, out of /proc. */
import { SyscallError } from '../kernel/error.ts';
import type { Process } from '../kernel/syscalls.ts';
import { readFile } from './input.ts';

export interface ProcessEntry {
  pid: number;
  comm: string;
  state: string;
  ppid: number;
  pgrp: number;
  session: number;
  /** clock ticks */
  utime: number;
  stime: number;
  starttime: number;
  /** bytes */
  vsize: number;
  /** pages */
  rss: number;
  nice: number;
  threads: number;
  uid: number;
  /** empty for kernel threads */
  args: string[];
}

/** One process; undefined when it is gone. */
async function entryOf(process: Process, pid: number): Promise<ProcessEntry | undefined> {
  try {
    const stat = await readFile(process, `/proc/${pid}/stat`);
    const open = stat.indexOf('(');
    const close = stat.lastIndexOf(')');
    const fields = stat.slice(close + 2).split(' ');
    const number = (field: number) => Number(fields[field - 3]);
    const cmdline = await readFile(process, `/proc/${pid}/cmdline`);
    return {
      pid,
      comm: stat.slice(open + 1, close),
      state: fields[0]!,
      ppid: number(4),
      pgrp: number(5),
      session: number(6),
      utime: number(14),
      stime: number(15),
      nice: number(19),
      threads: number(20),
      starttime: number(22),
      vsize: number(23),
      rss: number(24),
      uid: process.stat(`/proc/${pid}`).uid,
      args: cmdline
        .replace(/\0$/, '')
        .split('\0')
        .filter((word, i) => word !== '' || i > 0),
    };
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

/** All processes by pid. @throws SyscallError when there is no /proc */
export async function processTable(process: Process): Promise<ProcessEntry[]> {
  const pids = process
    .readdir('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
  const table: ProcessEntry[] = [];
  for (const pid of pids) {
    const entry = await entryOf(process, pid);
    if (entry !== undefined) table.push(entry);
  }
  return table;
}
