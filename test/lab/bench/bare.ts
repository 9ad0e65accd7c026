/** Sockets of the kernel and nothing else, which wait until something has come. */
import { readCanInterface } from '../../../src/transport/can/interface-info.js';
import { encodeCanFrame, encodeFilters } from '../../../src/transport/can/wire.js';
import { loadLibc, type Libc } from '../../../src/linux/libc.js';
import { KernelIsoTp } from '../support/kernel-isotp.js';
import { INTERFACE, type Case } from './cases.js';

const AF_CAN = 29;
const SOCK_RAW = 3;
const CAN_RAW = 1;
const SOL_CAN_RAW = 101;
const OPTION = { filter: 1, fdFrames: 5 } as const;
const MOST_BYTES = 72;
const [LENGTH_AT, DATA_AT] = [4, 8];
const FD_LENGTHS = [12, 16, 20, 24, 32, 48, 64];

export interface Bare {
  send(packet: Uint8Array): void;
  /** Waits for the next: a packet of ISO-TP, or the data of one frame. */
  receive(): Uint8Array;
  close(): void;
}

export function openBare(medium: Case, txId: number, rxId: number): Bare {
  return medium.framing === 'isotp' ? isoTp(medium, txId, rxId) : raw(medium, txId, rxId);
}

function isoTp({ fd }: Case, txId: number, rxId: number): Bare {
  const waits = true;
  const bus = { interface: INTERFACE, fd, blockSize: 0, stMin: 0 };
  const socket = new KernelIsoTp({ ...bus, txId, rxId, waits });
  return {
    send: (packet) => socket.sendNow(packet),
    receive: () => socket.receive() ?? new Uint8Array(),
    close: () => socket.close(),
  };
}

function raw({ fd }: Case, txId: number, rxId: number): Bare {
  const libc = libcOfMachine();
  const socket = libc.socket(AF_CAN, SOCK_RAW, CAN_RAW);
  const filters = [{ id: rxId, mask: 0x7ff, extended: false }];
  libc.setOption(socket, SOL_CAN_RAW, OPTION.filter, encodeFilters(filters));
  libc.setOption(socket, SOL_CAN_RAW, OPTION.fdFrames, Uint8Array.of(fd ? 1 : 0, 0, 0, 0));
  const address = Buffer.alloc(24);
  address.writeUInt16LE(AF_CAN, 0);
  address.writeInt32LE(readCanInterface(libc, INTERFACE)?.index ?? 0, 4);
  libc.bind(socket, address);
  const most = fd ? 64 : 8;
  const bytes = new Uint8Array(MOST_BYTES);
  const done = (result: number): number => {
    if (result < 0) throw new Error(`the bare socket fails with errno ${-result}`);
    return result;
  };
  return {
    send: (packet) => {
      for (let at = 0; at < packet.length; at += most) {
        const data = inFrame(packet.subarray(at, at + most));
        const frame = { id: txId, extended: false, data, fd, bitRateSwitch: fd };
        done(libc.send(socket, encodeCanFrame({ ...frame, remote: false, error: false }), 0));
      }
    },
    receive: () => {
      done(libc.receive(socket, bytes, 0));
      return bytes.slice(DATA_AT, DATA_AT + (bytes[LENGTH_AT] ?? 0));
    },
    close: () => libc.close(socket),
  };
}

function libcOfMachine(): Libc {
  const libc = loadLibc();
  if (libc === undefined) throw new Error('koffi is missing');
  return libc;
}

function inFrame(part: Uint8Array): Uint8Array {
  if (part.length <= 8) return part;
  const data = new Uint8Array(FD_LENGTHS.find((one) => one >= part.length) ?? part.length);
  data.set(part);
  return data;
}
