#!/bin/busybox sh
# The first program of the lab's kernel. The host's root, which it may only
# read, gets a layer in memory on top, and becomes this machine's own.
export PATH=/bin
busybox mkdir -p /proc /sys /dev /host /layer /root
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs devtmpfs /dev

while read -r module; do
  busybox insmod "/modules/$module" || echo "lab: no $module"
done </modules/order

options=trans=virtio,version=9p2000.L,msize=524288
# Nobody changes the host's files during a run: they may be remembered.
busybox mount -t 9p -o "ro,cache=loose,$options" host /host || exec busybox poweroff -f
busybox mount -t tmpfs -o mode=755 tmpfs /layer
busybox mkdir /layer/upper /layer/work
busybox mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work overlay /root
busybox mkdir -p /root/run
busybox mount -t tmpfs -o mode=755 tmpfs /root/run
busybox mkdir /root/run/lab
busybox mount -t 9p -o "cache=none,$options" run /root/run/lab || exec busybox poweroff -f

for folder in proc sys dev; do busybox mount -o move "/$folder" "/root/$folder"; done
exec busybox switch_root /root /bin/sh /run/lab/start.sh
