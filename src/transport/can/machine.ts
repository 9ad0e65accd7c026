/** The CAN interfaces of this machine. */
import { CanBuses, canProblem, type CanMachine } from './bus.js';
import { readCanLink, type CanLink } from './link.js';
import { openCanSocket, requireCan, type CanSocket, type CanSocketEvents } from './socket.js';
import { LibcError, loadLibc, type Libc } from '../../linux/libc.js';
import { TransportError } from '../transport.js';

const EPERM = 1;
const EACCES = 13;
const EPROTONOSUPPORT = 93;
const EAFNOSUPPORT = 97;

export class LinuxCan implements CanMachine {
  /** `load`: tests give a kernel of their own. */
  constructor(private readonly load: () => Libc | undefined = loadLibc) {}

  look(name: string): CanLink | undefined {
    return this.#explained(name, (libc) => {
      const link = readCanLink(libc, name);
      // Where there is no CAN at all there is no interface either, but that is not what is wrong.
      if (link === undefined) requireCan(libc);
      return link;
    });
  }

  open(name: string, link: CanLink, events: CanSocketEvents): CanSocket {
    return this.#explained(name, (libc) => openCanSocket(libc, link.index, events));
  }

  /** Why a link cannot use an interface at present, and what to do; undefined: it can. Never throws. */
  advice(name: string, fd: boolean): string | undefined {
    try {
      const link = this.#explained(name, (libc) => {
        requireCan(libc);
        return readCanLink(libc, name);
      });
      return canProblem(name, link, fd)?.message;
    } catch (error) {
      if (error instanceof TransportError) return error.message;
      throw error;
    }
  }

  #explained<T>(name: string, work: (libc: Libc) => T): T {
    const libc = this.load();
    if (libc === undefined) {
      const message =
        'CAN needs Linux and the optional package koffi, which is not installed or not built for ' +
        'this machine: npm install koffi';
      throw new TransportError('unsupportedSetting', message);
    }
    try {
      return work(libc);
    } catch (error) {
      throw error instanceof LibcError ? explained(name, error) : error;
    }
  }
}

export const linuxCan = new LinuxCan();

/** All links of the process share its sockets. */
export const machineBuses = new CanBuses(linuxCan);

function explained(name: string, error: LibcError): TransportError {
  const cause = { cause: error };
  switch (error.errno) {
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT: {
      const message =
        'this kernel has no CAN: load it with sudo modprobe can_raw (and the driver of the adapter); ' +
        'where there is no such module, take a kernel that was built with CONFIG_CAN and CONFIG_CAN_RAW';
      return new TransportError('unsupportedSetting', message, cause);
    }
    case EPERM:
    case EACCES:
      return new TransportError('permission', `${name}: this user may not use CAN`, cause);
    default:
      return new TransportError('io', `${name} cannot be opened: ${error.message}`, cause);
  }
}
