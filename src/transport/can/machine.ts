/** The CAN interfaces of this computer. */
import { CanBuses, type CanMachine } from './bus.js';
import { readCanInterface, type CanInterfaceInfo } from './interface-info.js';
import { canProblem } from './problem.js';
import { openCanSocket, requireCan, type CanSocket, type CanSocketEvents } from './socket.js';
import { LibcError, loadLibc, type Libc } from '../../linux/libc.js';
import { TransportError } from '../transport.js';

const EPERM = 1;
const EACCES = 13;
const EPROTONOSUPPORT = 93;
const EAFNOSUPPORT = 97;

/** CAN of Linux, by system calls. */
export class LinuxCan implements CanMachine {
  /** `load`: tests pass a fake. */
  constructor(private readonly load: () => Libc | undefined = loadLibc) {}

  interfaceInfo(name: string): CanInterfaceInfo | undefined {
    return this.#explained(name, (libc) => {
      const info = readCanInterface(libc, name);
      // A kernel without CAN has no such interface either; then the kernel is the cause to report.
      if (info === undefined) requireCan(libc);
      return info;
    });
  }

  open(name: string, info: CanInterfaceInfo, events: CanSocketEvents): CanSocket {
    return this.#explained(name, (libc) => openCanSocket(libc, info.index, events));
  }

  /** Why a link cannot use an interface now, and what to do; `undefined`: it can. Never throws. */
  advice(name: string, fd: boolean): string | undefined {
    try {
      const info = this.#explained(name, (libc) => {
        requireCan(libc);
        return readCanInterface(libc, name);
      });
      return canProblem(name, info, fd)?.message;
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

/** CAN of this computer. */
export const linuxCan = new LinuxCan();

/** The buses of this computer; all links of the process share their sockets. */
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
