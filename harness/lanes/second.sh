#!/bin/sh
# On the host's files: file systems, cgroups, devices, then the command in its arguments.
# guest.py writes CGROUP, DIRECTORY, the environment and the arguments above it.
mount -t tmpfs -o mode=755 tmpfs /run
mount -t ext4 /dev/vda /var/tmp
mkdir -p /dev/pts /dev/shm /dev/mqueue /run/lock
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
ln -sf pts/ptmx /dev/ptmx
mount -t tmpfs -o mode=1777 shm /dev/shm
mount -t mqueue mqueue /dev/mqueue
mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
hostname lane
busybox ip link set lo up
C=/sys/fs/cgroup
case $CGROUP in
v2)
  mount -t cgroup2 cgroup2 $C
  for controller in $(cat $C/cgroup.controllers); do echo +$controller >$C/cgroup.subtree_control; done;;
*)
  mount -t tmpfs -o mode=755 cgroup $C
  for controller in $(awk '!/^#/ && $4 {print $1}' /proc/cgroups); do
    mkdir $C/$controller
    mount -t cgroup -o $controller cgroup $C/$controller || rmdir $C/$controller
  done
  mkdir $C/systemd
  mount -t cgroup -o none,name=systemd cgroup $C/systemd
  if [ $CGROUP = hybrid ]; then mkdir $C/unified; mount -t cgroup2 cgroup2 $C/unified; fi;;
esac
if [ -e /lane/policy ]; then
  mount -t selinuxfs selinuxfs /sys/fs/selinux
  cat /lane/policy >/sys/fs/selinux/load
fi
if [ -d /sys/module/rdma_rxe ]; then
  busybox ip link add dummy0 type dummy
  busybox ip link set dummy0 up
  rdma link add rxe0 type rxe netdev dummy0
fi
grep -q resctrl /proc/filesystems && mount -t resctrl resctrl /sys/fs/resctrl
cut -d' ' -f1 /proc/uptime >/lane/booted
cd "$DIRECTORY"
(exec "$@") </dev/null >/lane/stdout 2>/lane/stderr
echo $? >/lane/.status
dmesg >/lane/dmesg
mv /lane/.status /lane/status
sync
busybox poweroff -f
