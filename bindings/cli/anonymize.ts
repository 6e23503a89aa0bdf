/** `memcharge anonymize TRACE -o OUT`: a trace that can be given away. */
import { randomBytes } from 'node:crypto';
import { realpathSync } from 'node:fs';
import type { Command } from 'commander';
import { anonymize } from '../trace/anonymize.ts';
import { openTrace } from '../trace/arrow-reader.ts';
import { COMPRESSIONS, removeUnfinished } from '../trace/arrow-writer.ts';
import { InputError } from './errors.ts';
import { Progress } from './progress.ts';
import { untilSignal } from './signals.ts';
import { parseCompression } from './values.ts';

interface AnonymizeOptions {
  output: string;
  key?: string;
  compress: string;
}

/** Adds the command to `program`. */
export function addAnonymize(program: Command): void {
  program
    .command('anonymize')
    .description('replace the names in a trace; its replay stays the same')
    .argument('<trace>', 'a trace (.arrow); - is standard input')
    .requiredOption('-o, --output <trace>', 'the trace to write (.arrow); - is standard output, as a stream')
    .option('--key <text>', 'the same key gives the same names the same pseudonyms; without it they are random')
    .option('--compress <codec>', `compression of the trace: ${COMPRESSIONS.join(', ')}`, 'none')
    .action(runAnonymize);
}

async function runAnonymize(path: string, options: AnonymizeOptions): Promise<void> {
  const compression = parseCompression('--compress', options.compress);
  if (options.key === '') throw new InputError('--key is empty');
  const key = options.key === undefined ? randomBytes(32) : Buffer.from(options.key);
  if (path !== '-' && options.output !== '-' && sameFile(path, options.output))
    throw new InputError(`${options.output}: is the trace itself, whose names would be lost`);
  const progress = new Progress('anonymize');
  const done = untilSignal(() => {
    progress.end();
    removeUnfinished();
  });
  const trace = await openTrace(path);
  try {
    const events = await anonymize(trace, options.output, key, compression, (count) =>
      progress.update(count, trace.events ?? 0, `${count.toLocaleString('en')} events`),
    );
    progress.end();
    const out = options.output === '-' ? process.stderr : process.stdout;
    out.write(`${options.output}: ${events} events, names replaced\n`);
  } finally {
    progress.end();
    done();
    await trace.close();
  }
}

function sameFile(a: string, b: string): boolean {
  try {
    return realpathSync(a) === realpathSync(b);
  } catch {
    return false;
  }
}
