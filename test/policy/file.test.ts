/** Policies from files: what they say holds, and what is wrong with one is told in one line. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../bindings/cli/errors.ts';
import { readPolicy } from '../../bindings/cli/read-policy.ts';
import { PolicyFileError, parsePolicy } from '../../bindings/policy/file.ts';
import { CONTEXTS, LINUX } from '../../bindings/policy/policy.ts';
import { PRESETS, presetOf } from '../../bindings/policy/registry.ts';
import { memcharge, scratch } from '../trace/helpers.ts';

/** The line that is told of a text. */
function refusal(text: string, path = 'p.yaml'): string {
  try {
    parsePolicy(text, path);
  } catch (error) {
    if (error instanceof PolicyFileError) return error.message;
    throw error;
  }
  return 'none';
}

describe('a policy file', () => {
  it('says what differs from its base, in YAML or JSON', () => {
    const yaml = parsePolicy('name: mine\nbase: memcg-mount\noffline: reparent\nrefused:\n  fault: force\n', 'p.yaml');
    const json = parsePolicy(
      '{\n\t"name": "mine", "base": "memcg-mount", "offline": "reparent", "refused": {"fault": "force"}}',
      'p.yaml',
    );
    expect(json).toEqual(yaml);
    expect(yaml.answers).toEqual({
      ...LINUX,
      payer: 'mount',
      offline: 'reparent',
      refused: { ...LINUX.refused, fault: 'force', target: 'error' },
    });
    expect(yaml).toMatchObject({ name: 'mine', rows: [], needs: [], needsHits: false, residency: ['modelled'] });
    expect(yaml.summary).toBe('memcg-mount, as changed in p.yaml');
  });

  it('takes one word for every context that there is', () => {
    const { answers } = parsePolicy('name: a\nrefused: enomem\n', 'p');
    expect(CONTEXTS.filter((context) => answers.refused[context] !== 'enomem')).toEqual(['target']);
    expect(parsePolicy('name: a\npayer: mount\nrefused: enomem\n', 'p').answers.refused.target).toBe('enomem');
  });

  it('takes a rewrite from its base, and can do without', () => {
    expect(parsePolicy('name: a\nbase: bpf-copy\n', 'p').rewrite).toBe('copy');
    expect(parsePolicy('name: a\nbase: bpf-copy\nrewrite: none\nreuse: recharge', 'p')).not.toHaveProperty('rewrite');
    expect(parsePolicy('name: a\nrewrite: same\n', 'p')).toMatchObject({ rewrite: 'same', needs: ['rmdir'] });
  });

  it('can be begun from every preset but the oracle, and then answers as it does', () => {
    for (const preset of PRESETS.filter((each) => !each.oracle)) {
      const policy = parsePolicy(`name: mine\nbase: ${preset.name}\n`, 'p');
      expect(policy.answers, preset.name).toEqual(preset.answers);
      expect(policy.needsHits, preset.name).toBe(preset.needsHits);
    }
  });

  it.each([
    [
      'name: x\nshar: 3\n',
      'p.yaml:2: field shar: there is no such field; known are name, summary, base, rewrite, payer, ',
    ],
    ['name: x\nshare: 3\n', 'p.yaml:2: field share: 3 is not one of stay, common-ancestor'],
    [
      '# mine\n\nname: x\nrefused:\n  fau: force\n',
      'p.yaml:5: field refused.fau: there is no such field; known are fault, ',
    ],
    ['name: x\nrefused: {fault: [1]}\n', 'p.yaml:2: field refused.fault: [1] is not one of kernel, enomem, '],
    ['name: x\nrefused: [force]\n', 'p.yaml:2: field refused: ["force"] is not one of kernel, enomem, '],
    ['name: x\nchunk: 1.5\n', 'p.yaml:2: field chunk: 1.5 is not a whole number of pages from 0 to 4294967295'],
    ['name: x\nworkDelay: -1\n', 'p.yaml:2: field workDelay: -1 is not a whole number of ns from 0 to '],
    ['name: x\nnaive: yes\n', 'p.yaml:2: field naive: "yes" is not true or false'],
    ['name: linux\n', 'p.yaml:1: field name: linux is the name of a preset'],
    ['name: A b\n', 'p.yaml:1: field name: "A b" is not letters a to z, digits, '],
    ['summary: x\n', 'p.yaml:1: field name: it is missing'],
    ['name: x\nsummary: "a\\u001bb"\n', 'p.yaml:2: field summary: "a\\u001bb" is not one line of text'],
    ['name: x\nbase: nope\n', 'p.yaml:2: field base: "nope" is not one of linux, linux-2017, '],
    ['name: x\nbase: oracle-owner\n', 'p.yaml:2: field base: oracle-owner is an oracle'],
    ['name: x\nname: y\n', 'p.yaml:2: not YAML: Map keys must be unique'],
    ['name: x\n---\nname: y\n', 'p.yaml:2: not YAML: a file holds one policy'],
    ['name: &a x\nsummary: *b\n', 'p.yaml:1: not YAML: Unresolved alias'],
    ['name: x\nbase: !fast linux\n', 'p.yaml:2: not YAML: Unresolved tag: !fast'],
    ['name: x\n? [a]\n: 1\n', 'p.yaml:2: not YAML: With stringKeys, all keys must be strings'],
    ['name: x\n1: 2\n', 'p.yaml:2: field 1: there is no such field'],
    [`name: ${'['.repeat(30_000)}`, 'p.yaml:1: not YAML: nested too deeply'],
    ['- a\n', 'p.yaml:1: not a policy: '],
    ['', 'p.yaml:1: not a policy: '],
    ['{"name": "x",\n "payer": "mont"}', 'p.yaml:2: field payer: "mont" is not one of toucher, mount, '],
    // The first that is wrong, by its line.
    ['share: 1\npayer: 2\nname: x\n', 'p.yaml:1: field share: '],
    ['payer: 2\nshare: 1\nname: x\n', 'p.yaml:1: field payer: '],
    // What meets what is in the base.
    ['name: x\nbase: memcg-mount\nshare: common-ancestor\n', 'p.yaml:3: field share: common-ancestor moves '],
    ['name: x\npayer: mount\nbase: common-ancestor\n', 'p.yaml:2: field share: common-ancestor moves '],
    ['name: x\nrefused:\n  call: enomem\n  worker: restart-call\n', 'p.yaml:4: field refused.worker: restart-call: '],
    ['name: x\nbase: kmem-unaccounted\nrefused: force\n', 'p.yaml:3: field refused.kmem: '],
  ])('is refused in one line: %j', (text, message) => {
    const told = refusal(text);
    expect(told.slice(0, message.length)).toBe(message);
    expect(told).not.toMatch(/\n/);
  });

  it.each([
    ['{"name": "x",\n "base": "linux",\n}', 'p.json:3: not JSON: '],
    ['{"name": "x", # why\n "base": "linux"}', 'p.json:1: not JSON: '],
    ['name: x\n', 'p.json:1: not JSON: '],
    ['{"name": "x"', 'p.json:1: not YAML: '],
  ])('that is called JSON is JSON: %j', (text, message) => {
    const told = refusal(text, 'p.json');
    expect(told.slice(0, message.length)).toBe(message);
    expect(told).not.toMatch(/\n| in JSON| at position/);
  });

  it('is found by what it is called', async () => {
    const folder = scratch();
    const path = join(folder, 'mine.yaml');
    writeFileSync(path, 'name: mine\npayer: nobody\nkmem: nobody\n');
    expect(readPolicy(path).answers.payer).toBe('nobody');
    expect(readPolicy('memcg-mount')).toBe(presetOf('memcg-mount'));
    mkdirSync(join(folder, 'a.json'));
    writeFileSync(join(folder, 'latin.yml'), Buffer.from([0x6e, 0xe4]));
    writeFileSync(join(folder, 'long.yml'), '#'.repeat(70_000));
    for (const [name, message] of [
      ['nope', 'no policy nope: memcharge policies lists them, and a file ends in .yaml, .yml or .json'],
      ['./nope', './nope: no such file or directory'],
      [join(folder, 'a.json'), `${folder}/a.json: is not a regular file`],
      [join(folder, 'latin.yml'), `${folder}/latin.yml: is not UTF-8`],
      [join(folder, 'long.yml'), `${folder}/long.yml: longer than 65536 bytes, which no policy is`],
    ] as const)
      expect(() => readPolicy(name)).toThrow(new InputError(message));
    expect(await memcharge(['policies', join(folder, 'long.yml')])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: `memcharge: ${folder}/long.yml: longer than 65536 bytes, which no policy is\n`,
    });
  });
});

describe('memcharge policies', () => {
  it('lists every preset with its rows', async () => {
    const { stdout, code } = await memcharge(['policies']);
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n').slice(2)).toHaveLength(PRESETS.length);
    for (const { name, rows, summary } of PRESETS)
      expect(stdout.replaceAll(/ +/g, ' ')).toContain(`\n${name} ${rows.join(' ')} ${summary}\n`);
  });

  it('tells what one answers, where that differs from Linux, and what it needs', async () => {
    const { stdout } = await memcharge(['policies', 'memcg-mount']);
    expect(stdout).toMatch(/^payer +mount +\* toucher +the cgroup that memcg= of its mount names/m);
    expect(stdout.match(/ \* /g)).toHaveLength(2);
    expect(stdout).toMatch(/^needs +rows of mount$/m);
    const json = JSON.parse((await memcharge(['policies', 'next-toucher', '--json'])).stdout);
    expect(json).toMatchObject({ name: 'next-toucher', needs: ['rmdir'], needs_hits: true, oracle: false });
    const differ = json.answers.filter((each: { differs: boolean }) => each.differs);
    expect(differ).toMatchObject([{ field: 'offline', answer: 'release', linux: 'zombie' }]);
  });
});
