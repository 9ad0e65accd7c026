/** Connects a simulated MCU to a CAN bus of this machine. */
import type { CanPort, CanSettings } from '../../firmware-sim/can.js';
import type { Clock, Timer } from '../point/clock.js';
import { CanBuses } from '../transport/can/bus.js';
import { linuxCan } from '../transport/can/machine.js';
import { CanTransport } from '../transport/can/can.js';
import type { FrameChannel } from '../transport/transport.js';

const REOPEN_MS = 200;
/** Sockets of their own: a CAN socket does not receive its own frames, so the gateway's would not hear the device. */
const deviceBuses = new CanBuses(linuxCan);

/**
 * Resolves when the interface is open. Rejects with a `TransportError` when it cannot
 * be opened. An interface that disappears later is opened again when it is back.
 */
export async function openCanPort(settings: CanSettings, clock: Clock): Promise<CanPort> {
  const port = new BusPort(settings, clock);
  await port.open();
  return port;
}

class BusPort implements CanPort {
  readonly frameLength: 8 | 64;
  onFrame: ((data: Uint8Array) => void) | undefined;
  onPeer: ((present: boolean) => void) | undefined;
  readonly #transport: CanTransport;
  readonly #clock: Clock;
  #channel: FrameChannel | undefined;
  #timer: Timer | undefined;
  #closed = false;

  constructor(settings: CanSettings, clock: Clock) {
    this.frameLength = settings.fd ? 64 : 8;
    this.#clock = clock;
    const options = { ...settings, bitRateSwitch: settings.fd };
    this.#transport = new CanTransport(options, clock, deviceBuses);
  }

  async open(): Promise<void> {
    const channel = await this.#transport.open({
      data: ({ data }) => this.onFrame?.(data),
      discarded: () => undefined,
      closed: () => this.#lost(),
      warning: () => undefined,
      drained: () => undefined,
    });
    if (this.#closed) await channel.close();
    else this.#channel = channel;
  }

  send(data: Uint8Array): void {
    this.#channel?.write({ data });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#channel?.close();
    this.#channel = undefined;
  }

  #lost(): void {
    this.#channel = undefined;
    if (this.#closed) return;
    this.onPeer?.(false);
    this.#reopenSoon();
  }

  #reopenSoon(): void {
    this.#timer = this.#clock.setTimer(REOPEN_MS, () => {
      this.open().then(
        () => this.onPeer?.(true),
        () => {
          if (!this.#closed) this.#reopenSoon();
        },
      );
    });
  }
}
