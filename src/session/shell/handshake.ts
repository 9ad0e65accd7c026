/**
 * Whether a console reports its points. Nothing acknowledges the handshake: noise can
 * destroy a line of it, and after a restart the device may not listen yet. So it is
 * repeated where no point follows, and `siot stream on` while none comes
 * (docs/contract.md, "Shell").
 */
import { STREAM_ON } from '../../packet/shell/command.js';
import type { Clock, Timer } from '../../point/clock.js';

/** A point follows a handshake within this time, ms. */
const ANSWER_MS = 3_000;
/** Repetitions of one handshake: a device may have no points. */
const REPETITIONS = 3;

/** Who writes the lines. */
export interface HandshakeHost {
  /** The device is known to lack the command `siot`. */
  readonly lacksSiot: boolean;
  /** The handshake is to be written. */
  writeHandshake(): void;
  /** A line is to be written. */
  writeLine(line: string): void;
  /** The device is to report all its points. */
  dump(): void;
}

/** Follows one console from its handshakes to its reports. */
export class Handshake {
  #timer: Timer | undefined;
  /** `late`: no point has come within {@link ANSWER_MS}. */
  #state: 'none' | 'written' | 'late' | 'answered' = 'none';
  /** The console has waited for a command since the handshake. */
  #prompted = false;
  #repetitions = 0;
  /** Points may have changed since the handshake without a report. */
  #mayMiss = false;
  /** Of the last report, monotonic ms. */
  #reportMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly host: HandshakeHost,
    private readonly clock: Clock,
  ) {}

  /** The console starts, or was opened, or is silent. */
  begin(): void {
    this.#repetitions = 0;
    this.#write();
  }

  closed(): void {
    this.#timer?.cancel();
    this.#state = 'none';
  }

  /** A point has been reported; `atMs`: monotonic. Hot. */
  reported(atMs: number): void {
    this.#reportMs = atMs;
    if (this.#state === 'answered') return;
    this.#timer?.cancel();
    this.#state = 'answered';
  }

  /** The console waits for a command. */
  prompted(): void {
    this.#prompted = true;
    this.#repeat();
  }

  /**
   * Writes a line, where no point has come for `ms`: it makes the device stream, if it
   * does not, and the prompt after it is a sign of life.
   */
  probe(ms: number): void {
    if (this.clock.monotonicMs() - this.#reportMs < ms) return;
    if (this.host.lacksSiot) {
      this.host.writeLine('');
      return;
    }
    this.host.writeLine(STREAM_ON);
    if (!this.#mayMiss) return;
    this.#mayMiss = false;
    this.host.dump();
  }

  #write(): void {
    this.#timer?.cancel();
    this.#state = 'written';
    this.#prompted = false;
    this.#mayMiss = true;
    this.host.writeHandshake();
    this.#timer = this.clock.setTimer(ANSWER_MS, () => {
      this.#state = 'late';
      this.#repeat();
    });
  }

  #repeat(): void {
    if (this.#state !== 'late' || !this.#prompted || this.host.lacksSiot) return;
    if (this.#repetitions >= REPETITIONS) return;
    this.#repetitions += 1;
    this.#write();
  }
}
