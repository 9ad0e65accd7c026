import { describe, expect, it } from 'vitest';
import { LinuxCan } from '../../../src/transport/can/machine.js';
import { LibcError, loadLibc, type Libc } from '../../../src/linux/libc.js';
import { TransportError } from '../../../src/transport/transport.js';

const [AF_NETLINK, AF_CAN] = [16, 29];
const [EPERM, ENODEV, EPROTONOSUPPORT, EAFNOSUPPORT] = [1, 19, 93, 97];

/** A kernel whose netlink knows no interface (NLMSG_ERROR, ENODEV), or the one of `answer`. */
function kernel(
  canErrno: number,
  answer?: Buffer,
): { libc: Libc; open: Set<number>; asked: () => number } {
  const error = Buffer.alloc(36);
  error.writeUInt32LE(36, 0);
  error.writeUInt16LE(2, 4);
  error.writeInt32LE(-ENODEV, 16);
  const open = new Set<number>();
  let sockets = 0;
  const libc: Partial<Libc> = {
    socket: (domain) => {
      if (domain === AF_CAN && canErrno !== 0) throw new LibcError('socket', canErrno);
      if (domain === AF_CAN) sockets += 1;
      open.add(domain);
      return domain;
    },
    send: (_fd, bytes) => bytes.length,
    receive: (_fd, buffer) => {
      buffer.set(answer ?? error);
      return (answer ?? error).length;
    },
    close: (fd) => void open.delete(fd),
  };
  return { libc: libc as Libc, open, asked: () => sockets };
}

/** RTM_NEWLINK with a `struct ifinfomsg` of type ARPHRD_CAN, up. */
function virtualInterface(): Buffer {
  const answer = Buffer.alloc(32);
  answer.writeUInt32LE(32, 0);
  answer.writeUInt16LE(16, 4);
  answer.writeUInt16LE(280, 18);
  answer.writeUInt32LE(1, 24);
  return answer;
}

function problemOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('a kernel without CAN', () => {
  it.each([
    ['no CAN at all', EAFNOSUPPORT],
    ['no raw sockets of CAN', EPROTONOSUPPORT],
  ])('is reported as that, not as a missing interface: %s', (_what, errno) => {
    const { libc, open } = kernel(errno);
    const machine = new LinuxCan(() => libc);
    const problem = problemOf(() => machine.interfaceInfo('can0'));
    expect(problem).toBeInstanceOf(TransportError);
    expect(problem).toMatchObject({
      reason: 'unsupportedSetting',
      message: expect.stringMatching(/no CAN: .*modprobe can_raw.*CONFIG_CAN/) as string,
    });
    expect(machine.advice('can0', false)).toBe((problem as Error).message);
    expect(open).toEqual(new Set());
  });

  it('is reported also where there is an interface', () => {
    const { libc } = kernel(EAFNOSUPPORT, virtualInterface());
    const machine = new LinuxCan(() => libc);
    expect(machine.interfaceInfo('vcan0')).toMatchObject({ up: true });
    expect(machine.advice('vcan0', false)).toContain('this kernel has no CAN');
  });

  it('is what this machine reports of itself, where it has none', (context) => {
    const libc = loadLibc();
    context.skip(libc === undefined, 'koffi is not there');
    const has = !(problemOf(() => libc?.close(libc.socket(AF_CAN, 3, 1))) instanceof LibcError);
    context.skip(has, 'the kernel has CAN');
    expect(new LinuxCan().advice('can0', false)).toContain('this kernel has no CAN');
  });
});

describe('a kernel with CAN', () => {
  it('has an interface or not, and leaves nothing open', () => {
    const { libc, open, asked } = kernel(0);
    const machine = new LinuxCan(() => libc);
    expect(machine.interfaceInfo('can0')).toBeUndefined();
    const before = asked();
    expect(machine.advice('can0', false)).toContain('there is no CAN interface can0');
    expect(asked() - before).toBe(1);
    expect(open).toEqual(new Set());
    const { libc: other } = kernel(0, virtualInterface());
    expect(new LinuxCan(() => other).advice('vcan0', false)).toBeUndefined();
  });

  it('that does not let this user in says so', () => {
    const { libc } = kernel(EPERM);
    expect(new LinuxCan(() => libc).advice('can0', false)).toBe('can0: this user may not use CAN');
  });
});

it('has netlink closed after each question', () => {
  const { libc, open } = kernel(0, virtualInterface());
  new LinuxCan(() => libc).interfaceInfo('vcan0');
  expect(open.has(AF_NETLINK)).toBe(false);
});

it('needs koffi', () => {
  expect(new LinuxCan(() => undefined).advice('can0', false)).toContain('npm install koffi');
});
