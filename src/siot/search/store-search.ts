import type { Clock, Timer } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { backoffMs } from '../connection/backoff.js';
import type { Connection } from '../connection/connection.js';
import type { Suspicion } from '../publishing/publish-state.js';
import type { Generation } from '../wire/wire.js';
import { probe } from './probe.js';

/** What is configured and known about the store. */
export interface StoreSearchOptions {
  readonly generation: 'auto' | Generation;
  readonly store: 'auto' | 'required' | 'none';
  /** The store that answered the last time, from `stateDir`. */
  readonly remembered: { readonly generation: Generation } | undefined;
  /** Saves the store in `stateDir`. */
  readonly remember: (store: { readonly generation: Generation }) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

/** Acts on the results of a {@link StoreSearch}. */
export interface StoreSearchHost {
  /** Number of messages that the store has confirmed since the program started. */
  readonly accepted: number;
  /** Nobody answers, and no store is expected. May be called again. */
  noStore(): void;
  /** A store answers. `generation`: the one to use with it; `first`: no store has ever answered before. */
  storeAnswers(generation: Generation, first: boolean): void;
  /** It is not known any more whether a store answers. */
  storeUnknown(): void;
}

type SearchedConnection = Pick<Connection, 'connected' | 'request'>;

const TAKES_NOTHING =
  'SIOT answers questions, but takes no points: they wait. Is its store at work, or its disk full?';

/** Pauses between probes while no store answers. */
const PROBE = { firstMs: 250, maxMs: 5_000 };
/** Time that a store has to answer before points are published as if there were none, ms. */
const HEAD_START_MS = 250;
/** Number of probes without an answer after which this is logged. */
const SILENT_AT = 2;

/**
 * Finds out whether a store answers on a connection, and of which generation.
 *
 * ```
 *    connected ▼
 *    probe: who answers? ──nobody── known before, or required? ──yes─▶ wait, probe again
 *      │ generation                            │ no
 *      ▼                                       ▼
 *    a store answers                         no store: probe again
 *      └─ suspicion: no responders, decode error, silence ─▶ probe
 * ```
 */
export class StoreSearch {
  readonly #options: StoreSearchOptions;
  readonly #connection: SearchedConnection;
  readonly #host: StoreSearchHost;
  #generation: Generation;
  #answers = false;
  /** Whether a store is expected: then a point is delivered only when a store has confirmed it. */
  #isExpected: boolean;
  #everAnswered: boolean;
  #remembered: Generation | undefined;
  /** Number of the present probe. Results of earlier probes are ignored. */
  #probe = 0;
  #silentProbes = 0;
  #timer: Timer | undefined;
  #takesLate = true;
  #suspicions = 0;
  #acceptedAtSuspicion = 0;

  constructor(options: StoreSearchOptions, connection: SearchedConnection, host: StoreSearchHost) {
    const { store, generation, remembered } = options;
    this.#options = options;
    this.#connection = connection;
    this.#host = host;
    this.#remembered = remembered?.generation;
    this.#everAnswered = remembered !== undefined;
    this.#isExpected = store === 'required' || (store === 'auto' && remembered !== undefined);
    const known = store === 'none' ? undefined : remembered?.generation;
    this.#generation = generation === 'auto' ? (known ?? 2) : generation;
  }

  /** The generation in use: configured, found or remembered. If there is none, 2. */
  get generation(): Generation {
    return this.#generation;
  }

  /** `answers`: a store replies; `expected`: one has replied before or is required, and does not reply now. */
  get store(): 'answers' | 'expected' | 'none' {
    if (this.#answers) return 'answers';
    return this.#isExpected ? 'expected' : 'none';
  }

  /** Why the store that answers cannot be used, for people; blank: it can. */
  get problem(): string {
    const tookNone = this.#host.accepted === this.#acceptedAtSuspicion;
    return this.#suspicions > 1 && tookNone ? TAKES_NOTHING : '';
  }

  /** There is a new connection, or no connection any more. */
  connectionChanged(connected: boolean): void {
    this.#forgetStore();
    this.#silentProbes = 0;
    this.#suspicions = 0;
    if (!connected) return;
    if (this.#options.store === 'none') this.#host.noStore();
    else void this.#find();
  }

  /**
   * The store may be gone, or be another one. After the first suspicion it is probed at
   * once. If the probe succeeds and still no point is taken, the next probes wait.
   */
  suspect(why: Suspicion): void {
    if (!this.#connection.connected || !this.#answers) return;
    const { log } = this.#options;
    const { accepted } = this.#host;
    if (accepted !== this.#acceptedAtSuspicion) this.#suspicions = 0;
    this.#acceptedAtSuspicion = accepted;
    this.#suspicions += 1;
    // Only the first two are logged: a store that takes no points is suspected again and again.
    if (this.#suspicions === 1) {
      log.info({ why }, 'SIOT is looked for again: its store does not answer as it did');
    } else if (this.#suspicions === 2) {
      log.warn({ why }, TAKES_NOTHING);
    } else {
      log.debug({ why, time: this.#suspicions }, 'SIOT is looked for again');
    }
    this.#forgetStore();
    if (this.#suspicions === 1) void this.#find();
    else this.#findLater(this.#suspicions - 1);
  }

  /** Ignores late answers from now on, since {@link stop} will be called. */
  endSoon(): void {
    this.#takesLate = false;
  }

  stop(): void {
    this.#probe += 1;
    this.#timer?.cancel();
  }

  #forgetStore(): void {
    this.stop();
    this.#answers = false;
    this.#host.storeUnknown();
  }

  async #find(): Promise<void> {
    this.#timer?.cancel();
    const number = ++this.#probe;
    if (!this.#isExpected) {
      // If some client subscribes to all subjects, NATS does not report that nobody
      // answers. Then the probe takes seconds. Points do not have to wait for it.
      this.#timer = this.#options.clock.setTimer(HEAD_START_MS, () => this.#host.noStore());
    }
    const found = await probe(this.#connection, (late) => {
      // A slow store. Its answer counts if no other store has answered meanwhile.
      if (this.#answers || !this.#takesLate) return;
      this.stop();
      this.#found(late);
    });
    if (number !== this.#probe || !this.#connection.connected) return;
    this.#timer?.cancel();
    if (found !== undefined) {
      this.#found(found);
      return;
    }
    this.#silentProbes += 1;
    if (!this.#isExpected) this.#host.noStore();
    else if (this.#silentProbes === SILENT_AT) {
      this.#options.log.warn({}, 'SIOT does not answer: points wait for it');
    }
    this.#findLater(this.#silentProbes);
  }

  #findLater(failures: number): void {
    const { clock, random } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(backoffMs(failures, PROBE, random()), () => void this.#find());
  }

  #found(found: Generation): void {
    const { generation, log, remember } = this.#options;
    const first = !this.#everAnswered;
    const spoken = generation === 'auto' ? found : generation;
    if (spoken !== found) {
      log.warn(
        { configured: spoken, found },
        `SIOT speaks generation ${String(found)}, the configuration says ${String(spoken)}: set siot.generation to auto or ${String(found)}`,
      );
    }
    this.#answers = true;
    this.#silentProbes = 0;
    this.#everAnswered = true;
    this.#isExpected = true;
    this.#generation = spoken;
    if (this.#remembered !== spoken) {
      this.#remembered = spoken;
      remember({ generation: spoken });
    }
    const say = this.#suspicions > 1 ? log.debug.bind(log) : log.info.bind(log);
    say({ generation: spoken }, first ? 'a SIOT store answers' : 'the SIOT store answers');
    this.#host.storeAnswers(spoken, first);
  }
}
