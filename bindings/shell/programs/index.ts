/** The programs of the shell's world, by the name of their file in /usr/bin. */
import type { Program } from '../kernel/syscalls.ts';
import { awk } from './awk.ts';
import { basename } from './basename.ts';
import { cat } from './cat.ts';
import { chmod } from './chmod.ts';
import { chown } from './chown.ts';
import { cp } from './cp.ts';
import { cut } from './cut.ts';
import { date } from './date.ts';
import { dd } from './dd.ts';
import { dirname } from './dirname.ts';
import { echo } from './echo.ts';
import { env } from './env.ts';
import { expr } from './expr.ts';
import { fallocate } from './fallocate.ts';
import { find } from './find.ts';
import { free } from './free.ts';
import { getfattr } from './getfattr.ts';
import { egrep, fgrep, grep } from './grep.ts';
import { head } from './head.ts';
import { hostname } from './hostname.ts';
import { id, whoami } from './id.ts';
import { ipcmk, ipcrm, ipcs } from './ipc.ts';
import { kill } from './kill.ts';
import { ln } from './ln.ts';
import { losetup } from './losetup.ts';
import { ls } from './ls.ts';
import { memtouch } from './memtouch.ts';
import { mkdir } from './mkdir.ts';
import { mkfs } from './mkfs.ts';
import { mkfifo, mknod } from './mknod.ts';
import { mktemp } from './mktemp.ts';
import { mount } from './mount.ts';
import { mv } from './mv.ts';
import { nice } from './nice.ts';
import { nohup } from './nohup.ts';
import { nproc } from './nproc.ts';
import { paste } from './paste.ts';
import { pgrep, pidof, pkill } from './pgrep.ts';
import { printf } from './printf.ts';
import { ps } from './ps.ts';
import { pwd } from './pwd.ts';
import { readlink } from './readlink.ts';
import { realpath } from './realpath.ts';
import { rev } from './rev.ts';
import { rm } from './rm.ts';
import { rmdir } from './rmdir.ts';
import { sed } from './sed.ts';
import { seq } from './seq.ts';
import { setfattr } from './setfattr.ts';
import { setpriv } from './setpriv.ts';
import { setsid } from './setsid.ts';
import { sleep } from './sleep.ts';
import { sort } from './sort.ts';
import { stat } from './stat.ts';
import { sudo } from './sudo.ts';
import { mkswap, swapoff, swapon } from './swapon.ts';
import { sync } from './sync.ts';
import { tail } from './tail.ts';
import { tee } from './tee.ts';
import { test } from './test.ts';
import { timeout } from './timeout.ts';
import { touch } from './touch.ts';
import { tr } from './tr.ts';
import { false_, true_ } from './true.ts';
import { truncate } from './truncate.ts';
import { tty } from './tty.ts';
import { umount } from './umount.ts';
import { uname } from './uname.ts';
import { uniq } from './uniq.ts';
import { unshare } from './unshare.ts';
import { wc } from './wc.ts';
import { xargs } from './xargs.ts';
import { yes } from './yes.ts';

/** Everything in /usr/bin but bash. */
export const PROGRAMS: ReadonlyMap<string, Program> = new Map(
  Object.entries({
    ...{
      '[': test,
      awk,
      mawk: awk,
      basename,
      cat,
      chmod,
      chown,
      cp,
      cut,
      date,
      dd,
      dirname,
      echo,
      egrep,
      env,
      expr,
      fallocate,
    },
    ...{
      false: false_,
      fgrep,
      find,
      free,
      getfattr,
      grep,
      head,
      hostname,
      id,
      ipcmk,
      ipcrm,
      ipcs,
      kill,
      ln,
      losetup,
      ls,
    },
    ...{ memtouch, mkdir, mkfifo, mkfs, 'mkfs.ext2': mkfs, 'mkfs.ext4': mkfs, 'mkfs.xfs': mkfs, mknod, mkswap, mktemp },
    ...{
      mount,
      mv,
      nice,
      nohup,
      nproc,
      paste,
      pgrep,
      pidof,
      pkill,
      printf,
      ps,
      pwd,
      readlink,
      realpath,
      rev,
      rm,
      rmdir,
    },
    ...{
      sed,
      seq,
      setfattr,
      setpriv,
      setsid,
      sleep,
      sort,
      stat,
      sudo,
      swapoff,
      swapon,
      sync,
      tail,
      tee,
      test,
      timeout,
      touch,
      tr,
    },
    ...{ true: true_, truncate, tty, umount, uname, uniq, unshare, wc, whoami, xargs, yes },
  }),
);
