/**
 * Instances in a trace: a cgroup that is made again under the path of one that was removed is the next instance of the same service. What
 * lies below it is part of it. Of nested paths that are made again, the outermost is the service.
 */
import * as O from '../../../assembly/replay/ops.ts';
import type { TraceRow } from './rewrite.ts';
import { outermost, serviceOf } from './services.ts';

/** One life of a cgroup. */
export interface Life {
  path: string;
  /** 1, 2 … of this path */
  number: number;
  /** how often the path is made in the whole trace */
  of: number;
}

export class Instances {
  readonly #lives = new Map<number, Life>();
  readonly #made = new Map<string, number>();
  /** highest cgroup id of the recorded kernel */
  kernelId = 0n;

  look(row: Readonly<TraceRow>): void {
    if (row.op !== O.OP_MKDIR || row.name === null) return;
    const number = (this.#made.get(row.name) ?? 0) + 1;
    this.#made.set(row.name, number);
    this.#lives.set(row.cgroup, { path: row.name, number, of: 0 });
    if (row.index > this.kernelId) this.kernelId = row.index;
  }

  looked(): void {
    for (const life of this.#lives.values()) life.of = this.#made.get(life.path)!;
  }

  /** Which life of its path a cgroup is. */
  life(cgroup: number): Life | undefined {
    return this.#lives.get(cgroup);
  }

  /** The service that a path is, or lies in: the outermost path made more than once. Null: it is of none. */
  service(path: string): string | null {
    return serviceOf(this.#made, path);
  }

  /** The services. */
  get services(): string[] {
    return outermost(this.#made);
  }
}

/** A `mark` that tells where an instance begins or ends in a trace that was rewritten; its cgroup is the one that it runs in. */
export interface InstanceMark {
  path: string;
  number: number;
  begins: boolean;
}

export function instanceMark({ path, number, begins }: InstanceMark): string {
  return `instance ${number} ${begins ? 'begins' : 'ends'}: ${path}`;
}

export function readInstanceMark(name: string | null): InstanceMark | null {
  const match = /^instance (\d+) (begins|ends): (\/.*)$/.exec(name ?? '');
  return match && { path: match[3]!, number: Number(match[1]), begins: match[2] === 'begins' };
}
