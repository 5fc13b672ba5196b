#!/bin/sh
# Imports a docker-archive into a store of containerd, and lays the store into this container's file system, which is
# committed as a layer of the machine image. /run is a tmpfs here, and /run/preload/store a volume: overlayfs refuses
# an overlay for its upper folder.
#
# In a machine /var/lib/containerd is a volume, and Docker copies what the image has there into each new one. So the
# bulk stays in the image: layers and blobs are links, which containerd follows. A pod's overlay then has the machine's
# overlay below it: two levels, the most that the kernel allows (FILESYSTEM_MAX_STACK_DEPTH).
set -eu
here=/run/preload
store=$here/store
bulk=/opt/containerd-store
final=/var/lib/containerd
snapshots=io.containerd.snapshotter.v1.overlayfs
content=io.containerd.content.v1.content
export PATH=/opt/packages/common/bin:$PATH CONTAINERD_ADDRESS=$here/containerd.sock

containerd --config $here/scripts/containerd.toml --log-level warn &
daemon=$!
until ctr version > /dev/null 2>&1; do
  kill -0 $daemon
  sleep 0.1
done
ctr --namespace k8s.io images import $here/images.tar
kill $daemon
wait $daemon || true

mkdir -p $bulk $final/$snapshots/snapshots $final/$content/blobs/sha256 $final/$content/ingest
cp -a $store/io.containerd.metadata.v1.bolt $final/
cp -a $store/$snapshots/metadata.db $final/$snapshots/
cp -a $store/$snapshots/snapshots $bulk/snapshots
cp -a $store/$content/blobs/sha256 $bulk/blobs
for layer in $bulk/snapshots/*; do
  own=$final/$snapshots/snapshots/$(basename "$layer")
  mkdir -m 700 "$own"
  mkdir -m 711 "$own/work"
  ln -s "$layer/fs" "$own/fs"
done
for blob in $bulk/blobs/*; do
  ln -s "$blob" $final/$content/blobs/sha256/
done
chmod 700 $final/$snapshots $final/$snapshots/snapshots
