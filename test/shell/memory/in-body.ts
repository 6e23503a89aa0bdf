/** Runs TypeScript as a process of a world, in a cgroup of its own. */
import { UserProcess } from '../../../bindings/shell/kernel/process.ts';
import type { World } from '../../../bindings/shell/kernel/world.ts';

/** `body` runs in a child that is in the cgroup (`/`: the root), which is made if it is not there. Answers how the child ended. */
export async function inBody(
  world: World,
  path: string,
  body: (process: UserProcess, cgroup: number) => Promise<unknown>,
): Promise<{ exit: number } | { signal: number }> {
  const { machine } = world;
  const known = [...machine.cgroups].find(([, cgroup]) => cgroup.path === path)?.[0];
  const cgroup = known ?? machine.mkdir(path);
  let status: { exit: number } | { signal: number } = { exit: 255 };
  await world.runBody(async (parent) => {
    parent.fork(async (process) => {
      if (!(process instanceof UserProcess)) throw new Error('not a process of the kernel');
      machine.attach(process.task, cgroup);
      await body(process, cgroup);
      return 0;
    });
    status = (await parent.wait(-1))!.status;
    return 0;
  });
  return status;
}
