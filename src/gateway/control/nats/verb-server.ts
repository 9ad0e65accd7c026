import type { Clock } from '../../../point/clock.js';
import type { Siot } from '../../../siot/siot.js';
import type { Service } from '../../services.js';
import type { Control } from '../control.js';
import type { VerbFace, VerbHandler } from '../verbs/verb.js';
import { VERBS } from '../verbs/verbs.js';

/** A server that takes more in a message gets no more than this in an answer, bytes. */
const LARGEST_ANSWER = 1_048_576;

/** SIOT, whose NATS carries the verbs; another one after its connection was begun anew. */
interface VerbCarrier {
  readonly current: Pick<Siot, 'serve' | 'maxPayload'>;
}

/** Answers `siot-mcu watch`, `siot-mcu set` and whoever else asks the running gateway, over NATS. */
export class VerbServer implements Service, VerbFace {
  readonly name = 'verbs';
  readonly stopByMs = 1_600;
  #ending = false;
  #ended = new AbortController();
  #stops: readonly (() => void)[] = [];

  constructor(
    private readonly siot: VerbCarrier,
    readonly control: Control,
    readonly clock: Clock,
  ) {}

  /** Begins to answer. Links may still be loading: the answers have those that exist. Does nothing after {@link prepareStop}. */
  start(): void {
    if (this.#ending) return;
    this.#ended = new AbortController();
    const { current } = this.siot;
    const { signal } = this.#ended;
    this.#stops = Object.entries(VERBS).map(([name, verb]) => {
      const handler: VerbHandler = verb(this);
      return current.serve(name, (request, reply) => {
        void handler(request, { reply, until: signal });
      });
    });
  }

  /** Stops for good: {@link start} does nothing after this. */
  prepareStop(): void {
    this.#ending = true;
    this.stop();
  }

  /** Stops answering requests and following settings. It can be started again. Idempotent. */
  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#ended.abort();
  }

  mostBytes(): number {
    return Math.min(this.siot.current.maxPayload ?? LARGEST_ANSWER, LARGEST_ANSWER);
  }
}
