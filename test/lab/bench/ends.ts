/** The two ends that are compared: the gateway's transport and framing, and a bare socket. */
import { FRAMINGS, IsoTpTransport } from '../../../src/framing/framings.js';
import { FrameStream } from '../../../src/transport/frame-stream.js';
import { SystemClock } from '../../../src/point/clock.js';
import { createTransport } from '../../../src/transport/transports.js';
import { openBare } from './bare.js';
import { IDS, INTERFACE, packetOf, type Case } from './cases.js';

export interface Exchange {
  /** Packets that have gone out and come back. */
  readonly packets: number;
  readonly ms: number;
  /** Of this process, all threads. */
  readonly cpuMs: number;
  /** From the writing of a packet until it is back, each. */
  readonly latenciesMs: readonly number[];
}

export interface End {
  /** Keeps up to `window` packets on their way for `ms`. */
  exchange(window: number, ms: number): Promise<Exchange>;
  close(): Promise<void>;
}

/** Counts and times the packets of one exchange, which come back in the order in which they were sent. */
class Measurement {
  readonly #began = performance.now();
  readonly #cpu = process.cpuUsage();
  readonly #sentAt: number[] = [];
  readonly #latenciesMs: number[] = [];

  constructor(
    private readonly window: number,
    private readonly ms: number,
  ) {}

  get inFlight(): number {
    return this.#sentAt.length;
  }

  mayStart(): boolean {
    return this.inFlight < this.window && performance.now() - this.#began < this.ms;
  }

  started(): void {
    this.#sentAt.push(performance.now());
  }

  returned(): void {
    const sentAt = this.#sentAt.shift();
    if (sentAt !== undefined) this.#latenciesMs.push(performance.now() - sentAt);
  }

  result(): Exchange {
    const { user, system } = process.cpuUsage(this.#cpu);
    return {
      packets: this.#latenciesMs.length,
      ms: performance.now() - this.#began,
      cpuMs: (user + system) / 1000,
      latenciesMs: this.#latenciesMs,
    };
  }
}

const MAX_FRAME_LENGTH = 1024;
const WAIT_MS = 60_000;

export async function openGatewayEnd({ framing: name, fd }: Case): Promise<End> {
  const clock = new SystemClock();
  const isotp = { blockSize: 0, stMin: 0, frameLength: fd ? 64 : 8 };
  const { down: txId, up: rxId } = IDS.gateway;
  const bus = {
    type: 'can' as const,
    interface: INTERFACE,
    txId,
    rxId,
    extendedIds: false,
    fd,
    bitRateSwitch: fd,
  };
  const inner = createTransport(bus, clock);
  let problem: Error | undefined;
  let received = (): void => undefined;
  const discard = (cause: string): void => {
    problem = new Error(`the gateway's end has discarded something: ${cause}`);
    received();
  };
  const events = {
    discarded: discard,
    closed: () => discard('the channel'),
    warning: () => undefined,
    drained: () => undefined,
  };
  const parts = {
    clock,
    maxFrameLength: MAX_FRAME_LENGTH,
    frame: () => undefined,
    discard,
  };
  const openPackets = async (): Promise<{
    write(packet: Uint8Array): void;
    close(): Promise<void>;
  }> => {
    if (name === 'isotp') {
      const channel = await new IsoTpTransport(inner, isotp, parts).open({
        ...events,
        data: () => received(),
      });
      return { write: (data) => void channel.write({ data }), close: () => channel.close() };
    }
    const sink = { frame: () => received(), discard };
    const deframer = FRAMINGS.cobs.createDeframer(sink, MAX_FRAME_LENGTH);
    const channel = await new FrameStream(inner).open({
      ...events,
      data: (chunk) => deframer.push(chunk),
    });
    return {
      write: (packet) => void channel.write(FRAMINGS.cobs.encode(packet)),
      close: () => channel.close(),
    };
  };
  const channel = await openPackets();
  let count = 0;
  return {
    exchange: async (window, ms) => {
      const measurement = new Measurement(window, ms);
      const start = (): void => {
        while (measurement.mayStart()) {
          measurement.started();
          channel.write(packetOf((count += 1)));
        }
      };
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error('a packet did not come back')), WAIT_MS);
        const settle = (): void => {
          clearTimeout(late);
          if (problem === undefined) resolve();
          else reject(problem);
        };
        received = () => {
          if (problem !== undefined) {
            settle();
            return;
          }
          measurement.returned();
          start();
          if (measurement.inFlight === 0) settle();
        };
        start();
      });
      return measurement.result();
    },
    close: () => {
      received = () => undefined;
      return channel.close();
    },
  };
}

export function openBareEnd(medium: Case): End {
  const bare = openBare(medium, IDS.bare.down, IDS.bare.up);
  const { encode } = FRAMINGS.cobs;
  // A packet of ISO-TP comes whole, a stream of bytes in as many frames as it went in.
  const written = medium.framing === 'isotp' ? (packet: Uint8Array) => packet : encode;
  const bytesEach = written(packetOf(1)).length;
  const frames = medium.framing === 'isotp' ? 1 : Math.ceil(bytesEach / (medium.fd ? 64 : 8));
  let count = 0;
  return {
    exchange: (window, ms) => {
      const measurement = new Measurement(window, ms);
      do {
        while (measurement.mayStart()) {
          measurement.started();
          bare.send(written(packetOf((count += 1))));
        }
        for (let at = 0; at < frames; at += 1) bare.receive();
        measurement.returned();
      } while (measurement.inFlight > 0 || measurement.mayStart());
      return Promise.resolve(measurement.result());
    },
    close: () => {
      bare.close();
      return Promise.resolve();
    },
  };
}
