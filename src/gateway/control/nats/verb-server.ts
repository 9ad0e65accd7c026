import type { Clock } from '../../../point/clock.js';
import type { Siot } from '../../../siot/siot.js';
import type { Control } from '../control.js';
import type { NatsFace } from './verb.js';
import { VERBS } from './verbs.js';

/** Answers `siot-mcu watch`, `siot-mcu set` and whoever else asks the running gateway, over NATS. */
export class VerbServer implements NatsFace {
  readonly #ended = new AbortController();
  readonly until = this.#ended.signal;
  readonly #stops: readonly (() => void)[];

  constructor(
    private readonly siot: Pick<Siot, 'serve' | 'maxPayload'>,
    readonly control: Control,
    readonly clock: Clock,
  ) {
    this.#stops = Object.entries(VERBS).map(([name, verb]) => siot.serve(name, verb(this)));
  }

  mostBytes(): number {
    return this.siot.maxPayload ?? Number.POSITIVE_INFINITY;
  }

  /** No request is answered any more, and no setting is followed. */
  stop(): void {
    for (const stop of this.#stops) stop();
    this.#ended.abort();
  }
}
