/** Scripts under charging policies: mounts with memcg=, domains, grants, namespaces, and the errors that a script sees. */
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { definePolicy } from '../../bindings/policy/policy.ts';
import { scriptPolicy } from '../../bindings/shell/policy.ts';
import { runScript } from '../../bindings/shell/run.ts';
import { scriptRun } from '../../bindings/shell/script-run.ts';

const MIB = 2 ** 20;

/** C: the cgroups; `inside CGROUP COMMAND`: a shell there that becomes the command; /tmp/m: an empty directory. */
const PREAMBLE = `C=/sys/fs/cgroup; mkdir /tmp/m
inside() { local g=$1; shift; bash -c "echo 0 > $C/$g/cgroup.procs; exec $*"; }
limit() { echo $2 > $C/$1/memory.max; echo 0 > $C/$1/memory.swap.max; }
shmem() { awk '$1 == "shmem" { print $2 }' $C/$1/memory.stat; }
event() { awk -v e=$2 '$1 == e { print $2 }' $C/$1/memory.events; }
`;

/** What a script prints under a policy; the machine's audit must hold at its end. */
async function under(policy: string, source: string, kernel: '6.1' | '6.18' = '6.18') {
  const { stdout, stderr, exit, world } = await runScript(PREAMBLE + source, { policy, kernel });
  expect(world.machine.audit()).toBeNull();
  return { stdout, stderr, exit, world };
}

const UNKNOWN = (target: string) =>
  `mount: ${target}: wrong fs type, bad option, bad superblock on t, missing codepage or helper program, or other error.\n       dmesg(1) may have more information after failed mount system call.\n`;
const FAILED = (target: string, why: string) =>
  `mount: ${target}: ${why}.\n       dmesg(1) may have more information after failed mount system call.\n`;

describe('which policies', () => {
  it('a rewrite of a trace is none for scripts, nor is one that replays recordings', () => {
    expect(() => scriptPolicy('preallocate')).toThrow(
      'policy preallocate rewrites the rows of a trace (preallocate): a script has none, and can do itself what the rewrite would',
    );
    const recorded = definePolicy({ name: 'r', summary: '', rows: [], residency: ['recorded'] });
    expect(() => scriptPolicy(recorded)).toThrow("policy r replays recorded charges: a script's are modelled");
    expect(() => scriptPolicy('nosuch')).toThrow('no policy nosuch');
  });
});

describe('mount -o memcg=', () => {
  it('Linux does not know it, nor does a policy whose payer is somebody else', async () => {
    const source = 'mkdir $C/pod; mount -t tmpfs -o memcg=$C/pod t /tmp/m; echo $?; grep -c /tmp/m /proc/mounts';
    for (const policy of ['linux', 'common-ancestor', 'resource-domain'])
      expect(await under(policy, source)).toMatchObject({ stdout: '32\n0\n', stderr: UNKNOWN('/tmp/m') });
  });

  it("the bill is the target's, whoever touches first, and does not depend on the order", async () => {
    const bills = (
      first: string,
      second: string,
    ) => `mkdir $C/pod $C/a $C/b; mount -t tmpfs -o memcg=$C/pod,size=64M t /tmp/m
      for g in ${first} ${second}; do inside $g head -c 4M /dev/zero '>' /tmp/m/$g; inside $g cat '/tmp/m/*' '>' /dev/null; done
      grep /tmp/m /proc/mounts; shmem pod; shmem a; shmem b`;
    const shown = 't /tmp/m tmpfs rw,relatime,size=65536k,memcg=/sys/fs/cgroup/pod 0 0\n';
    for (const [first, second] of [
      ['a', 'b'],
      ['b', 'a'],
    ] as const) {
      expect((await under('memcg-mount', bills(first, second))).stdout).toBe(`${shown}${8 * MIB}\n0\n0\n`);
    }
  });

  it('a remount chooses another payer for pages to come, and what is there stays', async () => {
    const { stdout } = await under(
      'memcg-mount',
      `mkdir $C/pod $C/q; mount -t tmpfs -o memcg=$C/pod t /tmp/m; head -c 4M /dev/zero > /tmp/m/a
      mount -o remount,memcg=$C/q,size=32M /tmp/m; echo $?; head -c 2M /dev/zero > /tmp/m/b
      grep -o 'size.*' /proc/mounts | grep memcg; shmem pod; shmem q; umount /tmp/m; shmem pod; shmem q`,
    );
    expect(stdout).toBe(`0\nsize=32768k,memcg=/sys/fs/cgroup/q 0 0\n${4 * MIB}\n${2 * MIB}\n0\n0\n`);
  });

  it('a target that is not there, is no cgroup, or has no memory controller', async () => {
    const { stdout, stderr } = await under(
      'memcg-mount',
      `mkdir $C/g $C/g/x; for t in $C/nosuch /tmp $C/g/x; do mount -t tmpfs -o memcg=$t t /tmp/m; echo $?; done; grep -c /tmp/m /proc/mounts`,
    );
    expect(stdout).toBe('32\n32\n32\n0\n');
    const enoent = FAILED('/tmp/m', 'mount(2) system call failed: No such file or directory');
    expect(stderr).toBe(`${enoent}${FAILED('/tmp/m', 'mount(2) system call failed: Bad file descriptor')}${enoent}`);
  });

  it('who may: who could move there; a stranger gets EACCES, and nothing is mounted', async () => {
    // User 1000 has u and all below it. One that is outside of it owns the target, but not the common ancestor's cgroup.procs.
    const { stdout, stderr } = await under(
      'memcg-mount',
      `mkdir $C/pod $C/u; echo +memory > $C/u/cgroup.subtree_control; mkdir $C/u/own $C/u/t; chown -R 1000 $C/u
      m() { echo "mount -t tmpfs -o memcg=$1 t /tmp/m; echo \\$?; grep -c memcg /proc/mounts"; }
      inside u/own setpriv --reuid 1000 unshare -Um bash -c "'$(m $C/u/t)'"
      inside u/own setpriv --reuid 1000 unshare -Um bash -c "'$(m $C/pod)'"
      setpriv --reuid 1000 unshare -Um bash -c "$(m $C/u/t)"
      setpriv --reuid 1000 mount -t tmpfs -o memcg=$C/u/t t /tmp/m; echo $?`,
    );
    expect(stdout).toBe('0\n1\n32\n0\n32\n0\n32\n');
    const eacces = FAILED('/tmp/m', 'cannot mount t read-only');
    expect(stderr).toBe(`${eacces}${eacces}${FAILED('/tmp/m', 'must be superuser to use mount')}`);
  });

  it("a target outside of the mounter's cgroup namespace does not exist", async () => {
    const { stdout, stderr } = await under(
      'memcg-mount',
      `mkdir $C/pod $C/a; mount -t tmpfs -o memcg=$C/pod t /tmp/m && umount /tmp/m
      inside a unshare -C mount -t tmpfs -o memcg=$C/pod t /tmp/m; echo $?`,
    );
    expect(stdout).toBe('32\n');
    expect(stderr).toBe(FAILED('/tmp/m', 'mount(2) system call failed: No such file or directory'));
  });

  it('a full target without anybody to kill: ENOSPC by write at 64M, SIGBUS by a mapping at page 16385; recovery by freeing', async () => {
    const { stdout, stderr } = await under(
      'memcg-mount',
      `mkdir $C/pod $C/a; limit pod 64M; mount -t tmpfs -o memcg=$C/pod,size=512M t /tmp/m
      inside a dd if=/dev/zero of=/tmp/m/f bs=1M count=256; echo $?; stat -c %s /tmp/m/f
      cat $C/pod/memory.current; event pod oom_kill; (( $(event pod oom) >= 1 )); echo $?
      truncate -s 63M /tmp/m/f; inside a dd if=/dev/zero of=/tmp/m/f2 bs=1M count=1; echo $?
      rm /tmp/m/*; inside a memtouch write /tmp/m/g 256M; echo $?; cat $C/pod/memory.peak; shmem pod; event pod oom_kill`,
    );
    expect(stdout).toBe(`1\n${64 * MIB}\n${64 * MIB}\n0\n0\n0\n135\n${64 * MIB}\n${64 * MIB}\n0\n`);
    expect(stderr).toContain(
      "dd: error writing '/tmp/m/f': No space left on device\n65+0 records in\n64+0 records out\n",
    );
    expect(stderr).toContain('Bus error               bash -c');
  });

  it('a target with a process in it: that one is killed, and the writer is not', async () => {
    const { stdout, stderr, world } = await under(
      'memcg-mount',
      `mkdir $C/pod $C/a; limit pod 64M; mount -t tmpfs -o memcg=$C/pod,size=512M t /tmp/m
      inside pod memtouch -d anon 32M > /dev/null; inside a dd if=/dev/zero of=/tmp/m/f bs=1M count=48; echo $?
      event pod oom_kill; event a oom_kill`,
    );
    expect(stdout).toBe('0\n1\n0\n');
    expect(stderr).toContain('48+0 records out');
    expect(world.machine.kills().map(({ victim }) => victim.name)).toEqual(['memtouch']);
  });

  it('memfds, segments and POSIX shared memory have the same bill', async () => {
    const { stdout, stderr } = await under(
      'memcg-mount',
      `mkdir $C/pod $C/a; inside a memtouch -m $C/pod shm 7 8M; shmem pod; shmem a; ipcrm -M 7
      p=$(inside a memtouch -m $C/pod -d memfd 8M); shmem pod; shmem a; kill $p; sleep 1; shmem pod
      mount -t tmpfs -o memcg=$C/pod shm /dev/shm; inside a head -c 8M /dev/zero '>' /dev/shm/x; shmem pod; shmem a
      memtouch -m $C/nosuch memfd 4k; setpriv --reuid 1000 memtouch -m $C/pod shm 8 4k`,
    );
    expect(stdout).toBe(`${`${8 * MIB}\n0\n`.repeat(2)}0\n${8 * MIB}\n0\n`);
    expect(stderr).toBe('memtouch: memfd_create: No such file or directory\nmemtouch: shmget: Permission denied\n');
    expect((await under('linux', 'mkdir $C/pod; memtouch -m $C/pod memfd 4k')).stderr).toBe(
      'memtouch: memfd_create: Invalid argument\n',
    );
  });
});

describe('cgroup namespaces', () => {
  it("/proc/PID/cgroup is seen from the reader's root, and cgroup2 is mounted from there", async () => {
    const { stdout } = await under(
      'linux',
      `mkdir -p $C/pod; mkdir $C/pod/a $C/b
      inside pod unshare -C bash -c "'cat /proc/self/cgroup /proc/1/cgroup; echo 0 > $C/pod/a/cgroup.procs; cat /proc/self/cgroup
        echo 0 > $C/b/cgroup.procs; cat /proc/self/cgroup
        unshare -m bash -c \\"mount -t cgroup2 none /mnt; ls -d /mnt/a; ls /mnt | grep -c pod\\"'"
      cat /proc/self/cgroup; setpriv --reuid 1000 unshare -C true; echo $?`,
    );
    expect(stdout).toBe('0::/\n0::/..\n0::/a\n0::/../b\n/mnt/a\n0\n0::/\n1\n');
  });
});

describe('quotas of tmpfs (6.18)', () => {
  const MOUNT = 'mount -t tmpfs -o size=64M,usrquota,usrquota_block_hardlimit=1m,usrquota_inode_hardlimit=3 t /tmp/m';
  it('EDQUOT by write and by making a file, SIGBUS by a mapping; never for root', async () => {
    const { stdout, stderr } = await under(
      'linux',
      `${MOUNT}; grep -o 'usr.*' /proc/mounts; U='setpriv --reuid 1000'
      $U dd if=/dev/zero of=/tmp/m/f bs=4k count=300; echo $?; stat -c %s /tmp/m/f
      $U bash -c 'echo x > /tmp/m/2; > /tmp/m/3; > /tmp/m/4'; dd if=/dev/zero of=/tmp/m/r bs=1M count=2 status=none; echo $?
      $U memtouch write /tmp/m/3 1M; echo $?; $U rm /tmp/m/f; $U fallocate -l 1M /tmp/m/3; echo $?; $U fallocate -l 2M /tmp/m/3; echo $?
      mount -o remount,usrquota_block_hardlimit=2m /tmp/m; echo $?; mount -o remount,size=32M /tmp/m; echo $?`,
    );
    expect(stdout).toBe(
      `usrquota,usrquota_block_hardlimit=1048576,usrquota_inode_hardlimit=3 0 0\n1\n${MIB}\n0\n135\n0\n1\n32\n0\n`,
    );
    expect(stderr).toContain(
      "dd: error writing '/tmp/m/f': Disk quota exceeded\n257+0 records in\n256+0 records out\n",
    );
    expect(stderr).toContain(
      'bash: line 1: echo: write error: Disk quota exceeded\nbash: line 1: /tmp/m/4: Disk quota exceeded\n',
    );
    expect(stderr).toContain('fallocate: fallocate failed: Disk quota exceeded\n');
  });
  it('6.1 does not know them', async () => {
    expect((await under('linux', `${MOUNT}; echo $?`, '6.1')).stdout).toBe('32\n');
  });
});

describe('extended attributes', () => {
  it('of tmpfs since 6.6, of a disk before that too; of others never', async () => {
    const source = `for f in /tmp/m/f /disk/f; do > $f; setfattr -n user.a -v 'b c' $f; echo $?; done; > /s/f
      getfattr -d --absolute-names /disk/f; getfattr -n user.x /disk/f; setfattr -x user.a /disk/f; getfattr -d /disk/f; setfattr -n user.a /s/f; echo $?
      setpriv --reuid 1000 setfattr -n user.a -v 1 /disk/f; setpriv --reuid 1000 setfattr -n trusted.a -v 1 /disk/f`;
    const { stdout, stderr } = await under('linux', source);
    expect(stdout).toBe('0\n0\n# file: /disk/f\nuser.a="b c"\n\n1\n');
    expect(stderr).toBe(
      '/disk/f: user.x: No such attribute\nsetfattr: /s/f: Operation not supported\nsetfattr: /disk/f: Permission denied\nsetfattr: /disk/f: Operation not permitted\n',
    );
    expect((await under('linux', source, '6.1')).stdout).toBe('1\n0\n# file: /disk/f\nuser.a="b c"\n\n1\n');
  });
});

describe('files that a policy brings', () => {
  it('memory.domain and memory.charge.allow are there under their policies alone', async () => {
    const source = "mkdir $C/g; ls $C/g $C | grep -E 'domain|allow'";
    expect((await under('linux', source)).stdout).toBe('');
    expect((await under('resource-domain', source)).stdout).toBe('memory.domain\n');
    expect((await under('named-payer', source)).stdout).toBe('memory.charge.allow\n');
  });
});

describe('payers of resources that outlive their users', () => {
  const SERVICE = 'mkdir $C/svc; echo +memory > $C/svc/cgroup.subtree_control; mkdir $C/svc/i1 $C/svc/i2 $C/x';

  it("resource-domain: a marked file is the domain's, another one its toucher's; without the declaration nothing differs", async () => {
    const work = `> /tmp/m/p; setfattr -n user.memcg_domain -v persistent /tmp/m/p
      inside svc/i1 head -c 8M /dev/zero '>' /tmp/m/p; inside svc/i1 head -c 2M /dev/zero '>' /tmp/m/q; shmem svc; shmem svc/i1`;
    const declared = await under(
      'resource-domain',
      `${SERVICE}; cat $C/svc/memory.domain; echo 1 > $C/svc/memory.domain; cat $C/svc/memory.domain; ${work}
      setfattr -x user.memcg_domain /tmp/m/p; inside svc/i1 head -c 1M /dev/zero '>>' /tmp/m/p; shmem svc/i1`,
    );
    expect(declared.stdout).toBe(`0\n1\n${10 * MIB}\n${2 * MIB}\n${3 * MIB}\n`);
    expect((await under('resource-domain', `${SERVICE}; ${work}`)).stdout).toBe(`${10 * MIB}\n${10 * MIB}\n`);
    expect((await under('linux', `${SERVICE}; ${work}`)).stdout).toBe(`${10 * MIB}\n${10 * MIB}\n`);
  });

  it('resource-domain: a tmpfs is for a domain by name; a name stands once on a path from the root', async () => {
    const { stdout, stderr } = await under(
      'resource-domain',
      `${SERVICE}; echo cache > $C/svc/memory.domain; echo 1 > $C/svc/i1/memory.domain; cat $C/svc/memory.domain
      mount -t tmpfs -o memcg_domain=cache t /tmp/m; grep -c memcg_domain=cache /proc/mounts
      inside svc/i1 head -c 4M /dev/zero '>' /tmp/m/p; inside x head -c 1M /dev/zero '>' /tmp/m/q; shmem svc; shmem svc/i1; shmem x
      echo cache > $C/svc/i2/memory.domain; echo 2x > $C/svc/i2/memory.domain; cat $C/svc/i2/memory.domain; echo 0 > $C/svc/memory.domain; cat $C/svc/memory.domain`,
    );
    expect(stdout).toBe(`cache\n1\n${4 * MIB}\n0\n${MIB}\n0\n0\n`);
    expect(stderr).toMatch(/echo: write error: File exists\n.*echo: write error: Invalid argument\n$/);
  });

  it('named-payer: upwards and across only where the cgroups on the way allow it, else EPERM; ENOENT outside of the namespace', async () => {
    const { stdout, stderr } = await under(
      'named-payer',
      `${SERVICE}; inside svc/i1 memtouch -m $C/svc memfd 4k; inside svc/i1 mount -t tmpfs -o memcg=$C/svc t /tmp/m; shmem svc
      echo 1 > $C/svc/memory.charge.allow; cat $C/svc/memory.charge.allow
      p=$(inside svc/i1 memtouch -m $C/svc -d memfd 4M); shmem svc; shmem svc/i1
      inside svc/i1 mount -t tmpfs -o memcg=$C/svc t /tmp/m; inside x head -c 2M /dev/zero '>' /tmp/m/f; shmem svc; shmem x
      inside svc/i1 memtouch -m $C/svc/i2 memfd 4k; inside svc/i1 unshare -C memtouch -m $C/svc memfd 4k; kill $p`,
    );
    expect(stdout).toBe(`0\n1\n${4 * MIB}\n0\n${6 * MIB}\n0\n`);
    const eperm = 'memtouch: memfd_create: Operation not permitted\n';
    expect(stderr).toBe(
      `${eperm}${FAILED('/tmp/m', 'permission denied')}${eperm}memtouch: memfd_create: No such file or directory\n`,
    );
  });

  it('creator-ancestor: what the service mounted it pays for, as long as it is an ancestor of who touches', async () => {
    const { stdout } = await under(
      'creator-ancestor',
      `mkdir $C/svc $C/x; inside svc mount -t tmpfs t /tmp/m; echo +memory > $C/svc/cgroup.subtree_control; mkdir $C/svc/i1
      inside svc/i1 head -c 4M /dev/zero '>' /tmp/m/p; inside x head -c 1M /dev/zero '>' /tmp/m/q; shmem svc; shmem svc/i1; shmem x`,
    );
    expect(stdout).toBe(`${4 * MIB}\n0\n${MIB}\n`);
  });
});

describe('a script that is compared', () => {
  const SOURCE = `${PREAMBLE}mkdir $C/a; limit a 8M; inside a memtouch anon 16M; echo $?`;
  it('answers its machine, kills by pid, and samples by virtual time, which change nothing', async () => {
    const plain = await scriptRun('linux', SOURCE);
    const sampled = await scriptRun('linux', SOURCE, {
      observe: 64,
      sample: { every: 10_000_000n, take: (ts, machine) => ({ ts, charged: machine.usage(1) }) },
    });
    expect(sampled.stdout).toContain('137\n');
    expect(sampled.machine.digest()).toBe(plain.machine.digest());
    expect(sampled.samples.length).toBe(Math.floor((sampled.elapsed - 1) / 1e7) + 1);
    expect(sampled.samples.slice(0, 2).map(({ ts }) => ts)).toEqual([1e7, 2e7]);
    expect(sampled.samples.at(-1)!.ts).toBe(sampled.elapsed);
    expect(sampled.kills.map(({ victim }) => [victim.name, victim.task > 700])).toEqual([['memtouch', true]]);
  });

  it('runs in a worker thread, to the same end', async () => {
    const here = await scriptRun('memcg-mount', SOURCE);
    const worker = new Worker(new URL('./script-worker.mjs', import.meta.url), {
      workerData: { policy: 'memcg-mount', source: SOURCE },
    });
    const there = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
    await worker.terminate();
    expect(there).toEqual({ digest: here.machine.digest(), stdout: here.stdout });
  });
});
