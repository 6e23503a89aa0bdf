/**
 * The `console` blocks of a page, run: a line that begins with `$ ` is a command, `> ` continues it, and what follows is what it prints
 * (standard output and errors together). All of a page run one after another in one directory, with `memcharge` on the path.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const MAIN = join(import.meta.dirname, '../../dist/bindings/cli/main.js');

/** A command of a page, and what the page says it prints. */
export interface ConsoleCommand {
  command: string;
  shown: string;
}

const FENCE = /^```console\n([\s\S]*?)^```$/gm;

/** The commands of a page's blocks. Throws where a block does not begin with one. */
export function commandsOf(markdown: string): ConsoleCommand[] {
  return [...markdown.matchAll(FENCE)].flatMap(([, block]) => commandsOfBlock(block!));
}

function commandsOfBlock(block: string): ConsoleCommand[] {
  const commands: ConsoleCommand[] = [];
  for (const line of block.split('\n').slice(0, -1)) {
    const last = commands.at(-1);
    if (line.startsWith('$ ')) commands.push({ command: line.slice(2), shown: '' });
    else if (last === undefined)
      throw new Error(`a console block begins with ${JSON.stringify(line)}, which is no command`);
    else if (line.startsWith('> ') && last.shown === '') last.command += `\n${line.slice(2)}`;
    else last.shown += `${line}\n`;
  }
  return commands;
}

/** The page with what its commands print now. `files` is a directory whose files are there when they run. */
export async function rerun(markdown: string, files?: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'memcharge-page-'));
  try {
    const work = join(folder, 'work');
    if (files === undefined) await mkdir(work);
    else await cp(files, work, { recursive: true });
    const bin = join(folder, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'memcharge'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`, { mode: 0o755 });
    const env = { PATH: `${bin}${delimiter}${process.env.PATH}`, HOME: folder, LC_ALL: 'C.UTF-8', TZ: 'UTC' };
    let page = '';
    let at = 0;
    for (const match of markdown.matchAll(FENCE)) {
      page += `${markdown.slice(at, match.index)}\`\`\`console\n`;
      for (const { command } of commandsOfBlock(match[1]!))
        page += `$ ${command.replaceAll('\n', '\n> ')}\n${await output(command, work, env)}`;
      page += '```';
      at = match.index + match[0].length;
    }
    return page + markdown.slice(at);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function output(command: string, cwd: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, env, maxBuffer: 1 << 26, timeout: 110_000, killSignal: 'SIGKILL' } as const;
    execFile('bash', ['-c', `exec 2>&1\n${command}`], options, (error, stdout) => {
      if (error !== null && (error.killed || typeof error.code !== 'number')) reject(error);
      else resolve(stdout === '' || stdout.endsWith('\n') ? stdout : `${stdout}\n`);
    });
  });
}
