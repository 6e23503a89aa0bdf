/** true(1) and false(1) */
import type { Program } from '../kernel/syscalls.ts';

const yes: Program = async () => 0;
const no: Program = async () => 1;

export { no as false_, yes as true_ };
