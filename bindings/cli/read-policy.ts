/** A policy as the command line names it: a preset, or a file that defines one. */
import { readFileSync, statSync } from 'node:fs';
import { PolicyFileError, parsePolicy } from '../policy/file.ts';
import type { Policy } from '../policy/policy.ts';
import { PRESETS, presetOf } from '../policy/registry.ts';
import { fileError } from '../trace/input-error.ts';
import { InputError } from './errors.ts';

/** No policy is as long. Bytes. */
const LONGEST = 1 << 16;

/** A preset by its name, or a policy file: what has a / in it or ends in .yaml, .yml or .json. InputError, one line. */
export function readPolicy(nameOrPath: string): Policy {
  if (PRESETS.some((preset) => preset.name === nameOrPath)) return presetOf(nameOrPath);
  if (!/\/|\.(ya?ml|json)$/.test(nameOrPath))
    throw new InputError(
      `no policy ${nameOrPath}: memcharge policies lists them, and a file ends in .yaml, .yml or .json`,
    );
  let text: string;
  try {
    const info = statSync(nameOrPath);
    if (!info.isFile()) throw new InputError(`${nameOrPath}: is not a regular file`);
    if (info.size > LONGEST) throw new InputError(`${nameOrPath}: longer than ${LONGEST} bytes, which no policy is`);
    text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(nameOrPath));
  } catch (error) {
    if (error instanceof InputError) throw error;
    throw error instanceof TypeError ? new InputError(`${nameOrPath}: is not UTF-8`) : fileError(nameOrPath, error);
  }
  try {
    return parsePolicy(text, nameOrPath);
  } catch (error) {
    if (!(error instanceof PolicyFileError)) throw error;
    throw new InputError(error.message);
  }
}

/** Several of them, separated by commas. InputError. */
export function readPolicies(list: string): Policy[] {
  const policies = list.split(',').map(readPolicy);
  const twice = policies.find(({ name }, i) => policies.findIndex((other) => other.name === name) !== i);
  if (twice) throw new InputError(`--policy ${list}: ${twice.name} is named twice`);
  return policies;
}
