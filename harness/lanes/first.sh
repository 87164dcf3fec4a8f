#!/bin/busybox sh
# init of the archive: modules, then the host's / below a layer in memory. A guest that cannot
# go on ends at once.
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
/bin/busybox --install -s /bin
for module in $(cat /modules/order); do
  insmod /modules/$module.ko || echo "insmod $module failed"
done
mkdir -p /host /out /layer /root
over='trans=virtio,version=9p2000.L,msize=512000'
mount -t 9p -o ro,$over,cache=loose host /host || poweroff -f
mount -t 9p -o $over,cache=mmap out /out || poweroff -f
mount -t tmpfs -o mode=755 layer /layer
mkdir /layer/upper /layer/work
layers=lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work
mount -t overlay -o $layers root /root || poweroff -f
mkdir -p /root/lane
mount --move /out /root/lane
for directory in proc sys dev; do mount --move /$directory /root/$directory; done
exec switch_root /root /bin/sh /lane/second
