# In the guest, as the first program after init.sh: makes it a machine in which programs run, and
# starts the job (run-job.sh), by itself or through systemd (systemd.sh). Needs LAB_PROCESSOR,
# LAB_INIT (sh or systemd), LAB_MODULES (a folder) and LAB_FOLDER (this one). Writes
# /run/lab/started.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
: >/run/lab/started

mkdir -p /dev/pts /dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
ln -sf /proc/self/fd /dev/fd
hostname lab
ip link set lo up
# A virtual bus takes frames as fast as they are sent: of more than 1,000 that wait, some would be lost.
echo 100000 >/proc/sys/net/core/netdev_max_backlog

mkdir -p /lib/modules
mount -t tmpfs -o mode=755 tmpfs /lib/modules
ln -s "$LAB_MODULES" "/lib/modules/$(uname -r)"
modprobe -a configfs
mount -t configfs configfs /sys/kernel/config

# In virtual time QEMU lets the clock follow the host's while the guest has nothing to do: a host
# that stands still then would take time away from whoever waits. So there is always something to do.
if [ "$LAB_PROCESSOR" = virtual-time ]; then
  chrt --idle 0 sh -c 'while :; do :; done' &
fi

if [ "$LAB_INIT" = systemd ]; then
  exec sh "$LAB_FOLDER/systemd.sh"
fi
exec sh "$LAB_FOLDER/run-job.sh"
