/** Charging policies that a script can run under. */
import { type Policy, PolicyError } from '../policy/policy.ts';
import { presetOf } from '../policy/registry.ts';

/** A policy for a script, by its name or as it is. PolicyError: there is none of that name, or it is a rewrite of a trace. */
export function scriptPolicy(asked: string | Policy): Policy {
  const policy = typeof asked === 'string' ? presetOf(asked) : asked;
  const { name, rewrite, residency } = policy;
  if (rewrite !== undefined)
    throw new PolicyError(
      `policy ${name} rewrites the rows of a trace (${rewrite}): a script has none, and can do itself what the rewrite would`,
    );
  if (!residency.includes('modelled'))
    throw new PolicyError(`policy ${name} replays recorded charges: a script's are modelled`);
  return policy;
}
