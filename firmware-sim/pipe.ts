/**
 * The line of a simulated device: bytes, as those of a UART. A PTY (pty.ts), a serial
 * port (serial.ts), TCP (tcp.ts), CAN (can.ts), a pair in memory, or one of these
 * with faults (faulty-pipe.ts).
 */
export interface BytePipe {
  /** Never blocks and never throws: bytes that nobody takes are lost, as on a real line. */
  write(bytes: Uint8Array): void;
  /** Bytes from the other side, valid during the call only. */
  onData: ((bytes: Uint8Array) => void) | undefined;
  /** The other side was opened (true) or closed. */
  onPeer: ((present: boolean) => void) | undefined;
  /** Idempotent. No callback is called afterwards. */
  close(): Promise<void>;
}

class MemoryEnd implements BytePipe {
  onData: ((bytes: Uint8Array) => void) | undefined;
  onPeer: ((present: boolean) => void) | undefined;
  other: MemoryEnd | undefined;
  readonly #line: (() => void)[];

  constructor(line: (() => void)[]) {
    this.#line = line;
  }

  write(bytes: Uint8Array): void {
    const copy = Uint8Array.from(bytes);
    this.#line.push(() => this.other?.onData?.(copy));
    // An answer that is written inside onData is delivered after it returns.
    if (this.#line.length > 1) return;
    for (let next = this.#line[0]; next !== undefined; next = this.#line[0]) {
      try {
        next();
      } finally {
        this.#line.shift();
      }
    }
  }

  close(): Promise<void> {
    const other = this.other;
    this.other = undefined;
    if (other !== undefined) {
      other.other = undefined;
      other.onPeer?.(false);
    }
    return Promise.resolve();
  }
}

/** Two ends in memory. Bytes are delivered before write() returns, unless it is called inside onData. */
export function pipePair(): [device: BytePipe, gateway: BytePipe] {
  const line: (() => void)[] = [];
  const device = new MemoryEnd(line);
  const gateway = new MemoryEnd(line);
  device.other = gateway;
  gateway.other = device;
  return [device, gateway];
}
