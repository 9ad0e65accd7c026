/**
 * A CAN adapter on a serial line, played by the test. It tells the kernel the state
 * of the bus. No traffic changes the state of the lab's other controllers: QEMU's
 * acknowledge each frame by themselves and never see an error.
 *
 * ```
 *  gateway ── slcan0 ── slcan (kernel) ── PTY ── SlcanAdapter
 * ```
 *
 * Its lines are LAWICEL's, with the kernel's state line (drivers/net/can/slcan/
 * slcan-core.c): `s`, a letter for the state, three digits of the receiver's error
 * counter, three of the transmitter's.
 */
import { openPty, type Pty } from '../../support/pty.js';
import { until } from '../../support/until.js';
import { canState } from './can.js';
import { Peer, ip, loadModules } from './system.js';

const STATES = {
  'ERROR-ACTIVE': 'a',
  'ERROR-WARNING': 'w',
  'ERROR-PASSIVE': 'p',
  'BUS-OFF': 'b',
} as const;
export type BusState = keyof typeof STATES;

const digits = (count: number): string => String(count).padStart(3, '0');

export class SlcanAdapter {
  private constructor(
    readonly name: string,
    private readonly pty: Pty,
    private readonly daemon: Peer,
  ) {}

  /**
   * An interface that is up, at 500 kbit/s. After bus-off the kernel cannot restart
   * it by itself, as it can others (`restart-ms`): it has to be brought down and up.
   */
  static async attach(name: string): Promise<SlcanAdapter> {
    loadModules('slcan', 'can-raw');
    const pty = openPty();
    // -s6: 500 kbit/s; -o: opens the bus; -F: stays in the foreground.
    const daemon = new Peer('slcand', '-F', '-o', '-s6', pty.path, name);
    await until(() => exists(name), `${name} to be there`);
    ip(`link set ${name} up`);
    return new SlcanAdapter(name, pty, daemon);
  }

  /** The bus gets into this state; resolves when the kernel has taken it. */
  async setState(state: BusState, { rxErrors = 0, txErrors = 0 } = {}): Promise<void> {
    await this.say(`s${STATES[state]}${digits(rxErrors)}${digits(txErrors)}`);
    await until(() => canState(this.name).state === state, `${this.name} to be ${state}`);
  }

  /** A line of the adapter, such as `t1232ABCD`: a frame with identifier 0x123 and two bytes. */
  say(line: string): Promise<void> {
    return this.pty.write(Buffer.from(`${line}\r`));
  }

  /** All that the kernel has told the adapter, such as `t1232ABCD`. */
  get heard(): readonly string[] {
    return this.pty.received.toString('latin1').split('\r').slice(0, -1);
  }

  /** The adapter is pulled, and its interface goes. */
  async remove(): Promise<void> {
    await this.daemon.stop();
    await this.pty.close();
    await until(() => !exists(this.name), `${this.name} to be gone`);
  }
}

function exists(name: string): boolean {
  try {
    canState(name);
    return true;
  } catch {
    return false;
  }
}
