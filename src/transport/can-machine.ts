/** The CAN interfaces of this machine. */
import { CanBuses, canProblem, type CanMachine } from './can-bus.js';
import { readCanLink } from './can-link.js';
import { openCanSocket } from './can-socket.js';
import { LibcError, loadLibc, type Libc } from './libc.js';
import { TransportError } from './transport.js';

const EPERM = 1;
const EACCES = 13;
const EAFNOSUPPORT = 97;

export const linuxCan: CanMachine = {
  look: (name) => explained(name, (libc) => readCanLink(libc, name)),
  open: (name, link, events) => explained(name, (libc) => openCanSocket(libc, link.index, events)),
};

/** All links of the process share its sockets. */
export const machineBuses = new CanBuses(linuxCan);

/** Why a link cannot use an interface at present, and what to do; undefined: it can. Never throws. */
export function canAdvice(name: string, fd: boolean): string | undefined {
  try {
    return canProblem(name, linuxCan.look(name), fd)?.message;
  } catch (error) {
    if (error instanceof TransportError) return error.message;
    throw error;
  }
}

function explained<T>(name: string, work: (libc: Libc) => T): T {
  const libc = loadLibc();
  if (libc === undefined) {
    const message =
      'CAN needs Linux and the optional package koffi, which is not installed or not built for ' +
      'this machine: npm install koffi';
    throw new TransportError('unsupportedSetting', message);
  }
  try {
    return work(libc);
  } catch (error) {
    if (!(error instanceof LibcError)) throw error;
    const cause = { cause: error };
    switch (error.errno) {
      case EAFNOSUPPORT: {
        const message =
          'this kernel has no CAN: load its modules (sudo modprobe can-raw), or take one that has them';
        throw new TransportError('unsupportedSetting', message, cause);
      }
      case EPERM:
      case EACCES:
        throw new TransportError('permission', `${name}: this user may not use CAN`, cause);
      default:
        throw new TransportError('io', `${name} cannot be opened: ${error.message}`, cause);
    }
  }
}
