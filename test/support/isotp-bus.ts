import { IsoTpConnection } from '../../src/framing/isotp/isotp.js';
import type { IsoTpOptions } from '../../src/framing/isotp/options.js';
import { toHex } from '../firmware-sim/vectors.js';
import type { FakeClock } from './fake-clock.js';

export const CLASSIC: IsoTpOptions = { blockSize: 0, stMin: 0, frameLength: 8 };

/** One end of a connection, with all that came out of it. */
export class IsoTpEnd {
  readonly connection: IsoTpConnection;
  /** Frames written, in hex, with the time in ms. */
  readonly frames: { readonly atMs: number; readonly hex: string }[] = [];
  readonly packets: Uint8Array[] = [];
  readonly discards: string[] = [];
  readyCalls = 0;
  /** Whether the controller takes frames. */
  takes = true;
  /** Where frames go. */
  line: (frame: Uint8Array) => void = () => undefined;

  constructor(
    readonly clock: FakeClock,
    options: Partial<IsoTpOptions> = {},
    maxLength = 4095,
  ) {
    this.connection = new IsoTpConnection(
      {
        write: (frame) => {
          this.frames.push({ atMs: clock.monotonicMs(), hex: toHex(frame) });
          this.line(Uint8Array.from(frame));
          return this.takes;
        },
        packet: (bytes) => void this.packets.push(Uint8Array.from(bytes)),
        discard: (cause) => void this.discards.push(cause),
        ready: () => {
          this.readyCalls += 1;
        },
      },
      { ...CLASSIC, ...options },
      clock,
      maxLength,
    );
  }

  /** Frames written since the last call, in hex. */
  written(): string[] {
    return this.frames.splice(0).map(({ hex }) => hex);
  }
}

/** Joins two ends; each frame arrives after `delayMs`, unless `lost` says so. */
export function join(
  a: IsoTpEnd,
  b: IsoTpEnd,
  delayMs = 0.2,
  lost: (frame: Uint8Array) => boolean = () => false,
): void {
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    from.line = (frame) => {
      if (lost(frame)) return;
      from.clock.setTimer(delayMs, () => {
        to.connection.receive(frame);
        // What was lent is used for something else.
        frame.fill(0xee);
      });
    };
  }
}
