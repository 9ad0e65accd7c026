// Kernel and busybox from Debian's packages, downloaded and unpacked; nothing
// is installed.
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
  openSync,
  closeSync,
} from 'node:fs';
import { join } from 'node:path';
import { rootShell } from '../../../tools/apt.mjs';
import { say } from '../../../tools/setup-common.mjs';
import { makeInitramfs } from './initramfs.mjs';
import { CannotRun } from './packages.mjs';
import { must } from './steps.mjs';

/** Names the kernel's package of the day. */
const META_PACKAGE = 'linux-image-amd64';

/** Of some 4,000 modules, those that the lab and its tests may want. */
const MODULES = [
  'drivers/char/virtio_console.ko',
  'drivers/net/can',
  'drivers/usb',
  'drivers/virtio',
  'fs/9p',
  'fs/configfs',
  'fs/fscache',
  'fs/netfs',
  'fs/overlayfs',
  'net/9p',
  'net/can',
  'net/sched/sch_tbf.ko',
];

/** These must be there with all that they need. */
const WANTED = ['can-gw', 'can-isotp', 'can-j1939', 'can-raw', 'cdc-acm', 'dummy_hcd'].concat([
  'kvaser_pci',
  'sch_tbf',
  'usb_f_acm',
  'vcan',
  'vxcan',
]);

function ask(program, ...args) {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? stdout : '';
}

const kernelPackage = () =>
  /Depends: (linux-image-\d\S*)/.exec(ask('apt-cache', 'depends', META_PACKAGE))?.[1];

/** Of the day as far as apt knows; asks it to look where it knows nothing. */
async function findKernelPackage() {
  const known = kernelPackage();
  if (known !== undefined) return known;
  const asRoot = await rootShell();
  if (asRoot !== undefined) {
    say('fetching the lists of packages (apt-get update)');
    await asRoot('apt-get -o DPkg::Lock::Timeout=300 update </dev/null');
  }
  const found = kernelPackage();
  if (found !== undefined) return found;
  throw new CannotRun(
    `apt knows no package ${META_PACKAGE}; is there a network, and do the package sources work? ` +
      'Try: sudo apt-get update',
  );
}

/** Downloads packages into a folder, and unpacks them there. */
async function download(packages, folder) {
  say(`downloading ${packages.join(' ')}`);
  // Root's apt would do it as another user, who may not write here.
  const script = 'cd "$1" && shift && apt-get -q -o APT::Sandbox::User=root download "$@"';
  try {
    await must('apt-get download', 'sh', ['-c', script, 'sh', folder, ...packages]);
  } catch (cause) {
    throw new CannotRun(`${cause.message}; is there a network? Try: sudo apt-get update`);
  }
  const files = readdirSync(folder).filter((name) => name.endsWith('.deb'));
  return files.map((name) => join(folder, name));
}

/**
 * The kernel as it is before its maker has packed it: QEMU starts it in a third
 * of the time. Where it is in the packed one stands in the header at 0x1f1 ("The
 * Linux/x86 Boot Protocol": setup_sects, payload_offset, payload_length).
 */
async function unpackKernel(packed, work, out) {
  const image = readFileSync(packed);
  const start = ((image[0x1f1] || 4) + 1) * 512 + image.readUInt32LE(0x248);
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c));
  const file = join(work, 'payload');
  // Four bytes behind it are its size when unpacked.
  writeFileSync(file, payload.subarray(0, -4));
  const [from, to] = [openSync(file, 'r'), openSync(out, 'w')];
  try {
    await must('unpacking the kernel', 'xz', ['-dc'], { stdin: from, stdout: to });
  } finally {
    closeSync(from);
    closeSync(to);
  }
}

/**
 * Fills `entry` with `vmlinux`, `initramfs` and `modules`. Resolves to the name
 * of the kernel's package and its version.
 */
export async function makeMachine(entry) {
  const work = join(entry, 'work');
  mkdirSync(work);
  const name = await findKernelPackage();
  const kernel = name.slice('linux-image-'.length);
  const files = await download([name, 'busybox-static'], work);
  const [kernelFile, busyboxFile] = [name, 'busybox-static'].map((start) =>
    files.find((file) => file.slice(work.length + 1).startsWith(`${start}_`)),
  );
  const version = ask('dpkg-deb', '--field', kernelFile, 'Version').trim().replaceAll(':', '.');

  say('unpacking them');
  const lib = `./lib/modules/${kernel}`;
  const parts = MODULES.map((part) => `${lib}/kernel/${part}`);
  const lists = ['modules.builtin', 'modules.builtin.modinfo', 'modules.order'].map(
    (list) => `${lib}/${list}`,
  );
  const unpack = 'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" -f -';
  const paths = [`./boot/vmlinuz-${kernel}`, ...lists, ...parts];
  await must('unpacking', 'sh', ['-c', `${unpack} ${paths.join(' ')}`, 'sh', kernelFile, entry]);
  await must('unpacking', 'sh', ['-c', `${unpack} ./bin/busybox`, 'sh', busyboxFile, work]);

  const modules = join(entry, 'lib', 'modules', kernel);
  await must('depmod', 'depmod', ['-b', entry, kernel]);
  for (const module of WANTED) {
    const args = ['-d', entry, '-S', kernel, '--show-depends', module];
    await must(`looking for the module ${module}`, 'modprobe', args, { stdout: 'ignore' });
  }
  await unpackKernel(join(entry, 'boot', `vmlinuz-${kernel}`), work, join(entry, 'vmlinux'));
  const busybox = join(work, 'bin', 'busybox');
  await makeInitramfs({ busybox, modules, work, archive: join(entry, 'initramfs') });
  for (const done of ['work', 'boot']) rmSync(join(entry, done), { recursive: true });
  return { name, version };
}
