/** The kernel's own ISO-TP (linux/can/isotp.h), as an independent peer. */
import { existsSync } from 'node:fs';
import { readCanInterface } from '../../../src/transport/can/interface-info.js';
import { loadLibc, type Libc } from '../../../src/linux/libc.js';
import { until } from '../../support/until.js';
import { loadModules } from './system.js';

export interface KernelIsoTpOptions {
  readonly interface: string;
  readonly txId: number;
  readonly rxId: number;
  readonly fd: boolean;
  readonly blockSize: number;
  /** The code. */
  readonly stMin: number;
  readonly address?: { readonly tx: number; readonly rx: number };
  readonly padding?: number;
  /** Calls block until they are done; otherwise they end with EAGAIN. */
  readonly waits?: boolean;
}

const AF_CAN = 29;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const CAN_ISOTP = 6;
const SOL_CAN_ISOTP = 106;
const OPTION = { options: 1, flowControl: 2, linkLayer: 5 } as const;
const FLAG = { extendedAddress: 0x2, padding: 0x4, rxExtendedAddress: 0x200 } as const;
const EAGAIN = 11;

export class KernelIsoTp {
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(8192);

  constructor(options: KernelIsoTpOptions) {
    // Not modprobe for each: this process stands still while one runs, and others talk.
    if (!existsSync('/sys/module/can_isotp')) loadModules('can-isotp');
    const libc = loadLibc();
    if (libc === undefined) throw new Error('koffi is missing');
    this.#libc = libc;
    const index = readCanInterface(libc, options.interface)?.index ?? 0;
    this.#fd = libc.socket(
      AF_CAN,
      SOCK_DGRAM | (options.waits === true ? 0 : SOCK_NONBLOCK),
      CAN_ISOTP,
    );
    const { address, padding } = options;
    const own = Buffer.alloc(12);
    const flags =
      (address === undefined ? 0 : FLAG.extendedAddress | FLAG.rxExtendedAddress) |
      (padding === undefined ? 0 : FLAG.padding);
    own.writeUInt32LE(flags, 0);
    own[8] = address?.tx ?? 0;
    own[9] = padding ?? 0;
    own[11] = address?.rx ?? 0;
    libc.setOption(this.#fd, SOL_CAN_ISOTP, OPTION.options, own);
    const flow = Uint8Array.of(options.blockSize, options.stMin, 0);
    libc.setOption(this.#fd, SOL_CAN_ISOTP, OPTION.flowControl, flow);
    const link = options.fd ? Uint8Array.of(72, 64, 0) : Uint8Array.of(16, 8, 0);
    libc.setOption(this.#fd, SOL_CAN_ISOTP, OPTION.linkLayer, link);
    const socketAddress = Buffer.alloc(24);
    socketAddress.writeUInt16LE(AF_CAN, 0);
    socketAddress.writeInt32LE(index, 4);
    socketAddress.writeUInt32LE(options.rxId, 8);
    socketAddress.writeUInt32LE(options.txId, 12);
    libc.bind(this.#fd, socketAddress);
  }

  /** Begins to send; waits for a packet before it. */
  async send(packet: Uint8Array): Promise<void> {
    let sent = -EAGAIN;
    await until(
      () => {
        sent = this.#libc.send(this.#fd, packet, 0);
        return sent !== -EAGAIN;
      },
      'the kernel to take the packet',
      30_000,
    );
    if (sent !== packet.length) throw new Error(`the kernel did not send: ${sent}`);
  }

  /** For a socket that waits. */
  sendNow(packet: Uint8Array): void {
    const sent = this.#libc.send(this.#fd, packet, 0);
    if (sent !== packet.length) throw new Error(`the kernel did not send: ${sent}`);
  }

  /** The next packet; undefined: there is none yet. */
  receive(): Buffer | undefined {
    const length = this.#libc.receive(this.#fd, this.#buffer, 0);
    if (length === -EAGAIN) return undefined;
    if (length < 0) throw new Error(`the kernel's reception ended with errno ${-length}`);
    return Buffer.from(this.#buffer.subarray(0, length));
  }

  close(): void {
    this.#libc.close(this.#fd);
  }
}
