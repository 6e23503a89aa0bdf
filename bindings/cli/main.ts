#!/usr/bin/env node
/** The `memcharge` command. Results go to stdout, everything else to stderr; exit 0 ok, 1 failure, 2 usage or bad input. */
import { existsSync, readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { fileError } from '../trace/input-error.ts';
import { addAnonymize } from './anonymize.ts';
import { addCompare } from './compare.ts';
import { EXIT_USAGE, reportError } from './errors.ts';
import { addGenerate } from './generate.ts';
import { addImport } from './import.ts';
import { addInspect } from './inspect.ts';
import { addPolicies } from './policies.ts';
import { addRecordHelp } from './record-help.ts';
import { addReplay } from './replay.ts';
import { addRun } from './run.ts';
import { addValidate } from './validate.ts';

function version(): string {
  // The sources and the built files lie at different depths below package.json.
  for (const up of ['../..', '../../..']) {
    const url = new URL(`${up}/package.json`, import.meta.url);
    if (existsSync(url)) return (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version;
  }
  return 'unknown';
}

const program = new Command('memcharge')
  .description('An accounting engine for Linux memory cgroups')
  .version(version())
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'memcharge: ')) })
  .enablePositionalOptions()
  .showSuggestionAfterError(true)
  .exitOverride();
addImport(program);
addReplay(program);
addCompare(program);
addRun(program);
addGenerate(program);
addPolicies(program);
addInspect(program);
addRecordHelp(program);
addValidate(program);
addAnonymize(program);

// `memcharge inspect T | head` is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.exit(reportError(fileError('standard output', error)));
});

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Commander has printed its own line. --help and --version end here too, with 0; help for want of a verb is a usage error.
    process.exitCode = error.exitCode === 0 ? 0 : EXIT_USAGE;
  } else {
    process.exitCode = reportError(error);
  }
}
