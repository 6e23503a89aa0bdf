#!/usr/bin/env bash
# build.sh FOLDER: a guest for User Mode Linux out of this machine's own programs: a root folder, an empty ext4 disk of 600 MiB and a swap
# device of 256 MiB. Wants Debian's user-mode-linux, busybox-static, e2fsprogs, util-linux and a C compiler.
set -euo pipefail
export PATH="$PATH:/usr/sbin:/sbin"
source=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
guest=$1
root=$guest/root
# The programs a script of test/parity may use, besides bash's own and memtouch.
programs=(
  awk bash cat chmod chown cp cut date dd env fallocate false grep head ipcmk ipcrm losetup ls mkdir mknod mount rm rmdir sed seq setpriv setsid
  sleep sort stat swapoff swapon sync tail timeout touch tr true truncate umount uname unshare wc
)

rm -rf "$guest"
for folder in usr/bin proc sys dev tmp mnt disk s lib/modules lib64 etc root run var/tmp; do mkdir -p "$root/$folder"; done

# Copies a file to where the guest looks for it, unless another program brought it already.
bring() {
  [[ -e $root$1 ]] && return
  mkdir -p "$root${1%/*}"
  cp --dereference "$1" "$root$1"
}

for program in "${programs[@]}"; do
  if ! path=$(type -P "$program"); then
    echo "build.sh: this machine has no $program" >&2
    exit 1
  fi
  cp --dereference "$path" "$root/usr/bin/$program"
  { ldd "$path" 2>/dev/null || true; } | { grep -o '/[^ ]*' || true; } | while read -r library; do bring "$library"; done
done
ln -s usr/bin "$root/bin"
ln -s usr/bin "$root/sbin"
ln -s bin "$root/usr/sbin"
ln -s bash "$root/usr/bin/sh"

cp --dereference "$(type -P busybox)" "$root/usr/bin/busybox"
for applet in insmod kill; do ln -s busybox "$root/usr/bin/$applet"; done
# Everything runs as root: sudo only runs its arguments.
printf '#!/bin/bash\nexec "$@"\n' >"$root/usr/bin/sudo"
chmod 755 "$root/usr/bin/sudo"
for tool in memtouch cached; do cc -O1 -static -o "$root/usr/bin/$tool" "$source/$tool.c"; done
module=$(find /usr/lib/uml/modules -name loop.ko -print -quit)
cp "$module" "$root/lib/modules/loop.ko"
install -m 755 "$source/init" "$root/init"

# The same identifiers in every image: a disk's layout must not differ from one build to the next.
truncate -s 600M "$guest/disk.img"
mkfs.ext4 -q -F -U 6d656d63-6861-7267-6500-000000000001 -E hash_seed=6d656d63-6861-7267-6500-000000000002 "$guest/disk.img"
truncate -s 256M "$guest/swap.img"
chmod 600 "$guest/swap.img"
mkswap "$guest/swap.img" >/dev/null 2>&1
