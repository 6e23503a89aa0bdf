# The disk is full: ENOSPC, a short file, room again after rm.
dd if=/dev/zero of=/disk/f bs=4M count=200 2>&1 | grep -o 'No space left on device'
sync
[ $(stat -c %s /disk/f) -gt 500000000 ]; echo "large $?"
dd if=/dev/zero of=/disk/g bs=64k count=1 2> /dev/null; echo "second $?"
rm /disk/f
dd if=/dev/zero of=/disk/g bs=64k count=1 2> /dev/null; echo "room again $?"
stat -c %s /disk/g
