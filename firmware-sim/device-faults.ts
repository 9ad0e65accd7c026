import type { Behaviour } from './behaviours.js';
import type { SimClock } from './clock.js';
import type { Episode, FaultPlan } from './faults.js';
import type { FaultyPipe } from './faulty-pipe.js';
import type { McuTimes } from './mcu.js';
import type { PointLike } from './points.js';
import type { SeededRandom } from './random.js';
import { TimerSet } from './timer-set.js';

/** The device that has the faults. */
export interface FaultyMcu {
  /** Which times its points have from now on. */
  set times(times: McuTimes);
  reboot(): void;
  /** Writes bytes to the line as they are. */
  sendRaw(bytes: Uint8Array): void;
  sendPoints(points: readonly PointLike[], options: { readonly waitAck: false }): Promise<unknown>;
  /** Of a device with acks: see `SimulatedMcu.push`. */
  push?(behaviour: Behaviour): () => void;
}

/** Called when a fault of the device begins, with a text for people. */
export type FaultNotice = (what: string) => void;

/** ms between two packets or pieces of noise. */
const BABBLE_EVERY_MS = 2;
/** Bytes. */
const LONGEST_NOISE = 200;

/** Faults of the device: lost acks, restarts, babbling, silence, a clock that cannot be set. */
export class DeviceFaults {
  readonly #timers: TimerSet;
  readonly #seeAcks: (() => void) | undefined;

  constructor(
    private readonly mcu: FaultyMcu,
    private readonly pipe: FaultyPipe,
    plan: FaultPlan,
    random: SeededRandom,
    clock: SimClock,
    private readonly notice: FaultNotice = () => undefined,
  ) {
    this.#timers = new TimerSet(clock);
    this.#seeAcks = mcu.push?.(forgetAcks(plan, random.fork('acks')));
    if (plan.clock1970) mcu.times = 'sinceStart';
    if (plan.rebootMs !== undefined) this.#reboots(plan.rebootMs, random.fork('reboot'));
    if (plan.silent !== undefined) {
      this.#episodes(plan.silent, random.fork('silent'), 'silent', () => {
        pipe.muted = true;
        return () => {
          pipe.muted = false;
        };
      });
    }
    if (plan.babble !== undefined) {
      const words = random.fork('babble words');
      this.#episodes(plan.babble, random.fork('babble'), 'babbling', () => this.#babble(words));
    }
  }

  /** Ends all faults, also those of the line. */
  stop(): void {
    this.#timers.cancelAll();
    this.#seeAcks?.();
    this.pipe.mend();
  }

  #reboots(everyMs: number, random: SeededRandom): void {
    this.#timers.start(random.waitMs(everyMs), () => {
      this.notice('restarts by itself');
      this.mcu.reboot();
      this.#reboots(everyMs, random);
    });
  }

  /** `begin` returns what ends it. */
  #episodes(episode: Episode, random: SeededRandom, what: string, begin: () => () => void): void {
    this.#timers.start(random.waitMs(episode.everyMs), () => {
      this.notice(`${what} for ${String(episode.forMs)} ms`);
      const end = begin();
      this.#timers.start(episode.forMs, () => {
        end();
        this.#episodes(episode, random, what, begin);
      });
    });
  }

  #babble(random: SeededRandom): () => void {
    let on = true;
    let count = 0;
    const say = (): void => {
      if (!on) return;
      count += 1;
      if (random.chance(0.5)) {
        this.mcu.sendRaw(
          Uint8Array.from({ length: 1 + random.below(LONGEST_NOISE) }, () => random.below(256)),
        );
      } else {
        void this.mcu.sendPoints([{ type: 'babble', value: count }], { waitAck: false });
      }
      this.#timers.start(BABBLE_EVERY_MS, say);
    };
    say();
    return () => {
      on = false;
    };
  }
}

function forgetAcks(plan: FaultPlan, random: SeededRandom): Behaviour {
  return {
    name: 'lose acks',
    onSend: (packet) =>
      packet.subject === 'ack' && random.chance(plan.loseAcks) ? 'drop' : undefined,
    onPacket: (packet) =>
      packet.subject === 'ack' && random.chance(plan.rxLoseAcks) ? 'handled' : undefined,
  };
}
