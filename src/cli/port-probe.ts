/** What talks on a line: listens at one baud rate, and says to the device what a gateway says. */
import { FRAMINGS } from '../framing/framings.js';
import { PAYLOAD_CODECS, detectCodec } from '../packet/codecs.js';
import {
  ACK_SUBJECT,
  LOG_SUBJECT,
  POINTS_SUBJECT,
  buildPacket,
  parsePacket,
} from '../packet/packet.js';
import type { PayloadCodecName } from '../packet/payload.js';
import type { Clock } from '../point/clock.js';
import { NO_VALUE, makePoint, type Point } from '../point/point.js';
import { TIME_SYNC_TYPE } from '../point/reserved.js';
import { isEmptyList } from '../session/codec/choice.js';
import { analyse, type Expected } from '../session/diagnosis/analyse.js';
import { ByteSample } from '../session/diagnosis/byte-sample.js';
import { diagnosis, type Diagnosis, type Listener } from '../session/diagnosis/diagnosis.js';
import { rateText } from '../session/diagnosis/diagnoser.js';
import type { ByteChannel, ByteTransport } from '../transport/transport.js';

/** What was heard at one baud rate. */
export interface ProbeResult {
  /** Packets came, or a shell answered. */
  readonly talks: boolean;
  readonly codec: PayloadCodecName | 'shell' | 'unknown';
  readonly bytes: number;
  /** The newest of each point. */
  readonly points: readonly Point[];
  /** What is wrong; absent: nothing is known to be. */
  readonly diagnosis?: Diagnosis;
  /** It says for certain what is wrong, and not that the baud rate is. */
  readonly certain: boolean;
}

export interface ProbeOptions {
  /** How long it listens, ms. */
  readonly ms: number;
  /** Sends nothing. */
  readonly silent: boolean;
  readonly clock: Clock;
  warn(message: string): void;
}

const MAX_FRAME_LENGTH = 1_024;
/** After the first packet others may follow at once. */
const MORE_MS = 1_500;
/** A board that was reset by the opening hears only the second `timeSync`. */
const SENT_AT_MS = [0, 2_500];
const SECOND_CODEC_MS = 300;
/** Many points are not shown, and need no memory. */
const MOST_POINTS = 100;
/** Causes after which another baud rate is worth a try. */
const OTHER_RATE: readonly string[] = [
  'silence',
  'baudRate',
  'damaged',
  'unclear',
  'malformed',
  'tooShort',
];

/** Listens on a line. Rejects with a `TransportError` if it cannot be opened. */
export async function probeLine(
  transport: ByteTransport,
  options: ProbeOptions,
): Promise<ProbeResult> {
  const probe = new LineProbe(options);
  const channel = await transport.open({
    data: (bytes) => probe.data(bytes),
    discarded: () => undefined,
    closed: () => probe.end(),
    warning: (message) => options.warn(message),
    drained: () => undefined,
  });
  try {
    await probe.run(channel);
  } finally {
    await channel.close();
  }
  return probe.result();
}

class LineProbe {
  readonly #sample = new ByteSample();
  readonly #points = new Map<string, Point>();
  /** Frames that were sent, in hex, by the codec in which they are. */
  readonly #sent = new Map<
    string,
    { readonly codec: PayloadCodecName; readonly sequence: number }
  >();
  readonly #acked = new Set<PayloadCodecName>();
  #codec: PayloadCodecName | undefined;
  #packets = 0;
  #hasEcho = false;
  #isBinary = false;
  #end: () => void = () => undefined;
  readonly #ended = new Promise<void>((resolve) => (this.#end = resolve));
  readonly #deframer = FRAMINGS.cobs.createDeframer(
    { frame: (frame) => this.#frame(frame), discard: () => undefined },
    MAX_FRAME_LENGTH,
  );

  constructor(private readonly options: ProbeOptions) {}

  async run(channel: ByteChannel): Promise<void> {
    const { clock, ms, silent } = this.options;
    const timers = [clock.setTimer(ms, () => this.end())];
    const at = (dueMs: number, fn: () => void): void => void timers.push(clock.setTimer(dueMs, fn));
    if (!silent) {
      for (const dueMs of SENT_AT_MS) {
        at(dueMs, () => this.#sendTime(channel, 'protobuf'));
        at(dueMs + SECOND_CODEC_MS, () => this.#sendTime(channel, 'compact'));
      }
      at(ms / 2, () => {
        // A shell shows its prompt. Not where packets may come: this is no frame.
        if (!this.#isBinary) channel.write(Buffer.from('\r\n'));
      });
    }
    await this.#ended;
    for (const timer of timers) timer.cancel();
  }

  end(): void {
    this.#end();
  }

  data(bytes: Uint8Array): void {
    this.#sample.add(bytes);
    if (bytes.some((byte) => byte >= 0x80 || byte < 0x07)) this.#isBinary = true;
    this.#deframer.push(bytes);
  }

  result(): ProbeResult {
    const { total } = this.#sample;
    const points = [...this.#points.values()];
    const [onlyAcked] = this.#acked.size === 1 ? this.#acked : [];
    const base = { bytes: total, points };
    if (this.#packets > 0) {
      return { ...base, talks: true, codec: this.#codec ?? onlyAcked ?? 'unknown', certain: true };
    }
    if (total === 0) {
      const heard = diagnosis('silence', 'nothing was heard', this.#listener);
      return { ...base, talks: false, codec: 'unknown', diagnosis: heard, certain: false };
    }
    const expected: Expected = {
      maxFrameLength: MAX_FRAME_LENGTH,
      codec: 'auto',
      echoes: this.#hasEcho,
      listener: this.#listener,
    };
    const found = analyse(this.#sample.bytes(), expected) ?? {
      cause: 'unclear' as const,
      what: `${String(total)} bytes that are no packets`,
      conclusive: false,
    };
    const rate = rateText((total * 1_000) / this.options.ms);
    const isShell = found.cause === 'shell';
    return {
      ...base,
      talks: isShell,
      codec: isShell ? 'shell' : 'unknown',
      diagnosis: diagnosis(found.cause, `${rate}: ${found.what}`, this.#listener),
      certain: found.conclusive && !OTHER_RATE.includes(found.cause),
    };
  }

  get #listener(): Listener {
    return this.options.silent ? 'listen' : 'probe';
  }

  #sendTime(channel: ByteChannel, codec: PayloadCodecName): void {
    // Of no packet that a gateway has in flight, and another for each.
    const sequence = 201 + this.#sent.size;
    const time = makePoint({
      type: TIME_SYNC_TYPE,
      value: NO_VALUE,
      time: this.options.clock.wallNs(),
    });
    const packet = buildPacket(sequence, POINTS_SUBJECT, PAYLOAD_CODECS[codec].encode([time]));
    this.#sent.set(hexOf(packet), { codec, sequence });
    channel.write(FRAMINGS.cobs.encode(packet));
  }

  #frame(frame: Uint8Array): void {
    if (this.#sent.has(hexOf(frame))) {
      this.#hasEcho = true;
      return;
    }
    const packet = parsePacket(frame);
    // A log has no CRC: the analysis knows it.
    if (typeof packet === 'string' || packet.subject === LOG_SUBJECT) return;
    const { subject, payload, sequence } = packet;
    if (subject === ACK_SUBJECT) {
      for (const sent of this.#sent.values())
        if (sent.sequence === sequence) this.#acked.add(sent.codec);
    } else if (payload.length > 0) {
      if (!/^[\x20-\x7e]*$/.test(subject)) return;
      const codec = detectCodec(payload);
      const decoded = codec.decode(payload);
      if (decoded === undefined || (decoded.points.length === 0 && !isEmptyList(payload))) return;
      this.#codec = codec.name;
      for (const point of decoded.points) {
        if (this.#points.size < MOST_POINTS)
          this.#points.set(JSON.stringify([point.type, point.key]), point);
      }
    }
    this.#packets += 1;
    if (this.#packets === 1) this.options.clock.setTimer(MORE_MS, () => this.end());
  }
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
