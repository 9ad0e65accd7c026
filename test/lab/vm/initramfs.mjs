// The archive that the kernel starts from: busybox, a script, and the modules
// with which the host's files can be seen.
import { chmodSync, copyFileSync, mkdirSync, openSync, closeSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { must } from './steps.mjs';

const INIT = join(dirname(fileURLToPath(import.meta.url)), 'init.sh');

/** In the order in which they can be loaded. */
const MODULES = [
  'drivers/virtio/virtio_ring.ko',
  'drivers/virtio/virtio.ko',
  'drivers/virtio/virtio_pci_modern_dev.ko',
  'drivers/virtio/virtio_pci_legacy_dev.ko',
  'drivers/virtio/virtio_pci.ko',
  'drivers/char/virtio_console.ko',
  'fs/netfs/netfs.ko',
  'fs/fscache/fscache.ko',
  'net/9p/9pnet.ko',
  'net/9p/9pnet_virtio.ko',
  'fs/9p/9p.ko',
  'fs/overlayfs/overlay.ko',
];

/** Writes `archive` in the form that the kernel takes, not compressed. */
export async function makeInitramfs({ busybox, modules, work, archive }) {
  const tree = join(work, 'initramfs');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  mkdirSync(join(tree, 'modules'));
  copyFileSync(busybox, join(tree, 'bin', 'busybox'));
  copyFileSync(INIT, join(tree, 'init'));
  for (const file of ['bin/busybox', 'init']) chmodSync(join(tree, file), 0o755);
  for (const file of MODULES) {
    copyFileSync(join(modules, 'kernel', file), join(tree, 'modules', basename(file)));
  }
  writeFileSync(
    join(tree, 'modules', 'order'),
    MODULES.map((file) => `${basename(file)}\n`).join(''),
  );
  const out = openSync(archive, 'w');
  try {
    const script = 'cd "$1" && "$2" find . | "$2" cpio -o -H newc';
    await must('packing the initramfs', 'sh', ['-c', script, 'sh', tree, busybox], { stdout: out });
  } finally {
    closeSync(out);
  }
}
