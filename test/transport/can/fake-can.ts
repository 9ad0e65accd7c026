import type { CanMachine } from '../../../src/transport/can/bus.js';
import type { CanFrame } from '../../../src/transport/frame.js';
import type { CanInterfaceInfo } from '../../../src/transport/can/interface-info.js';
import type { CanSendOutcome, CanSocketEvents } from '../../../src/transport/can/socket.js';
import type { CanFilter } from '../../../src/transport/can/wire.js';

/** Interfaces below the real bus: a test says how they are, and sees what goes out. */
export class FakeCan implements CanMachine {
  info: CanInterfaceInfo | undefined = { index: 1, up: true, fd: false, frames: 0n, bytes: 0n };
  /** What a socket says to the next frames; `sent` afterwards. */
  outcomes: CanSendOutcome[] = [];
  /** Nobody acknowledges what the controller sends. */
  full = false;
  sent: CanFrame[] = [];
  filters: readonly CanFilter[] = [];
  opened = 0;
  closed = 0;
  lost = 0;
  ready: Promise<void> = Promise.resolve();
  events: CanSocketEvents | undefined;

  interfaceInfo(): CanInterfaceInfo | undefined {
    return this.info;
  }

  open(_name: string, _link: CanInterfaceInfo, events: CanSocketEvents) {
    this.opened += 1;
    this.events = events;
    return {
      ready: this.ready,
      send: (frame: CanFrame): CanSendOutcome => {
        const outcome = this.outcomes.shift() ?? (this.full ? 'full' : 'sent');
        if (outcome === 'sent') this.sent.push({ ...frame, data: Uint8Array.from(frame.data) });
        return outcome;
      },
      setFilters: (filters: readonly CanFilter[]): void => {
        this.filters = filters;
      },
      lost: this.lost,
      close: (): Promise<void> => {
        this.closed += 1;
        return Promise.resolve();
      },
    };
  }

  /** A frame comes from the bus. */
  hear(id: number, data: number[], rest: Partial<CanFrame> = {}): void {
    this.events?.frame({
      id,
      extended: false,
      data: Uint8Array.from(data),
      fd: false,
      bitRateSwitch: false,
      remote: false,
      error: false,
      ...rest,
    });
  }
}
