// The machine: what QEMU is started with.
import { accessSync, constants, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';

const MEMORY_MB = 3072;
const MOST_PROCESSORS = 4;

/**
 * Whether a guest can run on the host's processor. That /dev/kvm exists is not enough:
 * inside some virtual machines it is there and runs their own kernels only.
 */
export function canUseKvm({ device = '/dev/kvm', cpuinfo = '/proc/cpuinfo' } = {}) {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return /^flags\s*:.*\b(vmx|svm)\b/m.test(readFileSync(cpuinfo, 'utf8'));
  } catch {
    return false;
  }
}

/** A comma ends a value, and two of them stand for one. */
const value = (text) => text.replaceAll(',', ',,');

/**
 * What the guest computes on. `emulated`: its clock is the host's, so that it is slow.
 * `virtual-time`: its clock counts instructions, one a nanosecond, so that it is a small
 * computer however slow and busy the host is; a second of it takes some ten to emulate.
 */
const PROCESSORS = {
  kvm: { accelerator: 'kvm', more: [], most: MOST_PROCESSORS },
  emulated: { accelerator: 'tcg,thread=multi', more: [], most: MOST_PROCESSORS },
  // A second processor would never start: the first waits for it, while the clock stands.
  'virtual-time': {
    accelerator: 'tcg,thread=single',
    more: [['-icount', 'shift=0,sleep=on']],
    most: 1,
  },
};

/**
 * Arguments of qemu-system-x86_64. `exchange` is a folder of the host that the
 * guest writes to; `entry` is of the cache; `processor` is of PROCESSORS.
 */
export function qemuArguments({ entry, exchange, processor, shell, cores = cpus().length }) {
  const { accelerator, more, most } = PROCESSORS[processor];
  const port = shell ? 'virtconsole' : 'virtserialport';
  const kernel = [
    'console=ttyS0',
    'rdinit=/init',
    'panic=-1',
    'random.trust_cpu=on',
    // One that is slow must not be told so on the console.
    'rcupdate.rcu_cpu_stall_suppress=1',
    'nowatchdog',
  ];
  return [
    ['-M', 'q35'],
    ['-accel', accelerator],
    ...more,
    ['-cpu', 'max'],
    ['-smp', String(Math.min(cores, most))],
    ['-m', String(MEMORY_MB)],
    ['-nic', 'none'],
    ['-display', 'none'],
    ['-monitor', 'none'],
    ['-nodefaults'],
    ['-no-reboot'],
    ['-kernel', join(entry, 'vmlinux')],
    ['-initrd', join(entry, 'initramfs')],
    ['-append', kernel.join(' ')],
    ['-serial', `file:${value(join(exchange, 'kernel.log'))}`],
    ['-device', 'virtio-serial-pci'],
    ['-chardev', `stdio,id=job,signal=off`],
    ['-device', `${port},chardev=job`],
    ['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
    ['-virtfs', `local,path=${value(exchange)},mount_tag=run,security_model=none`],
    // Two controllers on one bus.
    ['-object', 'can-bus,id=bus'],
    ['-device', 'kvaser_pci,canbus=bus'],
    ['-device', 'kvaser_pci,canbus=bus'],
  ].flat();
}
