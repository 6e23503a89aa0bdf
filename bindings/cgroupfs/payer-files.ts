/**
 * Files that a kernel has whose charging policy asks for them: where resources that outlive their user go to. memory.domain: the cgroup is a resource
 * domain (0: it is none, 1: one without a name, else its name). memory.charge.allow: others may name it as the payer.
 */
import { EngineError } from '../engine/error.ts';
import type { Directory } from './directory.ts';
import type { FileType, Tree } from './file-type.ts';
import { parseSwitch, strip } from './parse.ts';

const NAME = /^[A-Za-z][\w.-]*$/;

function writeDomain({ machine }: Tree, { memcg }: Directory, text: string): void {
  const word = strip(text);
  if (word !== '0' && word !== '1' && !NAME.test(word))
    throw new EngineError('EINVAL', `EINVAL: ${JSON.stringify(word)} is neither 0 nor 1 nor a name`);
  machine.setDomain(memcg, word === '0' ? null : word === '1' ? '' : word);
}

function showDomain({ machine }: Tree, { memcg }: Directory): string {
  const name = machine.domainOf(memcg);
  return `${name === null ? 0 : name === '' ? 1 : name}\n`;
}

const common = { controller: 'memory', notOnRoot: true } as const;

export const PAYER_FILES: readonly FileType[] = [
  { ...common, name: 'memory.domain', payer: 'domain', show: showDomain, write: writeDomain },
  {
    ...common,
    name: 'memory.charge.allow',
    payer: 'named',
    show: ({ machine }, { memcg }) => `${machine.allowsPayer(memcg) ? 1 : 0}\n`,
    write: ({ machine }, { memcg }, text) => machine.allowPayer(memcg, parseSwitch(text)),
  },
];
