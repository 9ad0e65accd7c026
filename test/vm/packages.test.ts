import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tempDir } from '../support/temp-dir.js';
import { canUseKvm, checkMachine, installPrograms } from './modules.js';

afterEach(() => vi.unstubAllEnvs());

/** From now on the PATH has these programs only. */
function onlyPrograms(programs: Readonly<Record<string, string>>): string {
  const folder = tempDir();
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  }
  vi.stubEnv('PATH', folder);
  return folder;
}

/** Those that are there already, of what the lab needs; not QEMU. */
const SOME = { xz: '', depmod: '', ip: '', candump: '' };

describe('where the lab cannot run', () => {
  it('is anything but Linux on x86-64', () => {
    const message = 'the lab runs on Linux on x86-64, and this is darwin on arm64';
    expect(() => checkMachine({ platform: 'darwin', arch: 'arm64' })).toThrow(message);
    expect(() => checkMachine({ platform: 'linux', arch: 'arm64' })).toThrow('linux on arm64');
  });

  it('is another system than Debian, whose kernels have other names', () => {
    onlyPrograms({ 'apt-get': '' });
    const on = (...names: string[]) => checkMachine({ platform: 'linux', arch: 'x64', names });
    expect(() => on('debian')).not.toThrow();
    expect(() => on('ubuntu', 'debian')).toThrow(
      /Debian's packages, and this is ubuntu; run it in/,
    );
    expect(() => on('fedora')).toThrow(/this is fedora/);
    onlyPrograms({});
    expect(() => on('debian')).toThrow(/takes its kernel from Debian's packages/);
  });

  it('is where only a password would let it install what is missing', async () => {
    onlyPrograms({ ...SOME, sudo: 'exit 1' });
    await expect(installPrograms({ uid: 1000 })).rejects.toThrow(
      /only root can install; install them with: sudo apt-get install .*qemu-system-x86/,
    );
  });

  it('is where apt-get has nothing to give', async () => {
    onlyPrograms({ ...SOME, sh: 'exec /bin/sh "$@"', 'apt-get': 'exit 100' });
    await expect(installPrograms({ uid: 0 })).rejects.toThrow(
      /apt-get did not install qemu-system-x86_64 \(exit status 100.*is there a network/,
    );
  });

  it('is not where apt-get has it', async () => {
    const folder = onlyPrograms({ ...SOME, sh: 'exec /bin/sh "$@"' });
    const qemu = join(folder, 'qemu-system-x86_64');
    writeFileSync(
      join(folder, 'apt-get'),
      `#!/bin/sh\ncase "$*" in *" install "*qemu-system-x86*) : >${qemu}; /bin/chmod 755 ${qemu}; esac\n`,
      { mode: 0o755 },
    );
    await installPrograms({ uid: 0 });
    expect(existsSync(qemu)).toBe(true);
    // All are there now: nobody is asked.
    writeFileSync(join(folder, 'apt-get'), '#!/bin/sh\nexit 100\n');
    await installPrograms({ uid: 1000 });
  });
});

describe('KVM', () => {
  it('is used where the device may be opened and the processor can be lent', () => {
    const folder = tempDir();
    const [device, cpuinfo] = [join(folder, 'kvm'), join(folder, 'cpuinfo')];
    writeFileSync(cpuinfo, 'model\t: x\nflags\t\t: fpu vme svm sse\n');
    expect(canUseKvm({ device, cpuinfo })).toBe(false);
    writeFileSync(device, '');
    expect(canUseKvm({ device, cpuinfo })).toBe(true);
    // As in a virtual machine that lends its processor to kernels of its own kind only.
    writeFileSync(cpuinfo, 'flags\t\t: fpu vme svme sse\n');
    expect(canUseKvm({ device, cpuinfo })).toBe(false);
  });
});
