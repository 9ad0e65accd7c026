/**
 * A whole session, on a clock that stands still until it is moved. The input is
 * a script: each step is a byte that says what happens, and what it needs.
 *
 * ```
 *  0 n bytes[n]            the device writes these bytes
 *  1 q s n payload[n]      … a packet: sequence, number of a subject, payload; COBS and CRC are right
 *  2 t                     t² ms go by
 *  3 / 4                   the port closes and opens / the gateway starts again
 *  5 t v                   somebody sets a point: number of a type, value
 *  6 m                     what becomes of reports from now on
 *  7                       what waits for the disk or the store is safe
 *  8 s                     the wall clock is set, by s − 128 seconds
 *  9                       the device acknowledges the last packet it got
 * 10 c                     it takes no more bytes, or does again
 * ```
 */
import { encodeFrame } from '../../../firmware-sim/cobs.js';
import { POINT_CODECS } from '../../../firmware-sim/codec.js';
import { encodePacket } from '../../../firmware-sim/packet.js';
import type { SeededRandom } from '../../../firmware-sim/random.js';
import { PacketReceiver } from '../../../firmware-sim/receiver.js';
import { numberOf, type Point } from '../../../src/point/point.js';
import { isReservedType } from '../../../src/point/reserved.js';
import { keyProblem, tokenProblem } from '../../../src/point/token.js';
import { SessionHarness, type Sent } from '../../support/session-harness.js';
import { choice, frames, payloads, somePoints } from '../inputs.js';
import { mustBeLoadable } from '../kept.js';
import { agree, must, type FuzzTarget } from '../target.js';

const SUBJECTS = ['', 'proto', 'ack', 'log', 'phr', 'file', 'other'];
const SETTABLE = ['setpoint', 'mode', 'restart', 'uptime', '__proto__'];
const MOST_STEPS = 120;
const MOST_POINTS = 20;
/** Set and not fired: for each purpose of a session at most one. */
const MOST_TIMERS = 30;

/** How the device's bytes come in. */
type Chunking = 'as written' | 'byte by byte';

class Play {
  harness: SessionHarness;
  /** Sequences of packets with points that the line has carried, by the simulated device's reading. */
  readonly #carried = new Set<number>();
  readonly #line = new PacketReceiver(
    {
      packet: ({ sequence }) => void this.#carried.add(sequence),
      problem: () => undefined,
    },
    0xffff,
  );
  readonly written: Sent[] = [];
  readonly published: Point[] = [];
  #congested = false;

  constructor(private readonly chunking: Chunking) {
    this.harness = new SessionHarness({ maxPoints: MOST_POINTS, commands: ['restart'] });
    this.harness.open();
  }

  run(script: Uint8Array): void {
    let at = 0;
    const byte = (): number => script[at++] ?? 0;
    const bytes = (length: number): Uint8Array => script.subarray(at, (at += length));
    for (let step = 0; step < MOST_STEPS && at < script.length; step += 1) {
      this.#step(byte() % 11, byte, bytes);
      this.harness.flush();
    }
    this.#collect();
  }

  #step(what: number, byte: () => number, bytes: (length: number) => Uint8Array): void {
    const { harness } = this;
    switch (what) {
      case 0:
        this.#hear(bytes(byte()));
        return;
      case 1: {
        const sequence = byte();
        const subject = SUBJECTS[byte() % SUBJECTS.length] ?? '';
        this.#hear(encodeFrame(encodePacket({ sequence, subject, payload: bytes(byte()) })));
        return;
      }
      case 2:
        harness.advance(byte() ** 2);
        return;
      case 3:
        harness.close();
        this.#line.reset();
        harness.open();
        return;
      case 4:
        this.#restart();
        return;
      case 5: {
        const type = SETTABLE[byte() % SETTABLE.length] ?? '';
        harness.advance(1);
        harness.session.settings.set(harness.settingPoint(type, byte()));
        return;
      }
      case 6: {
        const mode = byte();
        harness.outbox = (['taken', 'full', 'dropped'] as const)[mode % 3] ?? 'taken';
        harness.safety = (mode & 4) === 0 ? 'now' : 'later';
        harness.saving = (mode & 8) === 0 ? 'now' : 'later';
        return;
      }
      case 7:
        harness.makeSafe();
        harness.makeSaved();
        return;
      case 8:
        harness.clock.stepWall((byte() - 128) * 1_000);
        harness.session.clockStepped();
        return;
      case 9: {
        const last = harness.written.findLast(({ subject }) => subject !== 'ack');
        if (last !== undefined) {
          const ack = { sequence: last.sequence, subject: 'ack', payload: new Uint8Array(0) };
          this.#hear(encodeFrame(encodePacket(ack)));
        }
        return;
      }
      default:
        this.#congested = (byte() & 1) === 1;
        harness.congested = this.#congested;
    }
  }

  #hear(bytes: Uint8Array): void {
    this.#line.push(bytes);
    if (this.chunking === 'as written') {
      this.harness.bytes(Uint8Array.from(bytes));
      return;
    }
    for (const one of bytes) this.harness.bytes(Uint8Array.of(one));
  }

  #restart(): void {
    this.harness.close();
    this.#collect();
    mustBeLoadable({ session: this.harness.record() });
    this.harness = this.harness.reborn();
    this.#line.reset();
    this.harness.open();
  }

  /** What this life of the gateway has done, which must be sound. */
  #collect(): void {
    const { harness } = this;
    this.written.push(...harness.written);
    this.published.push(...harness.published);
    for (const { subject, sequence } of harness.written) {
      if (subject === 'ack') must(this.#carried.has(sequence), `an ack to nothing: ${sequence}`);
    }
    for (const point of harness.published) checkPublished(point);
    must(harness.clock.pendingTimers <= MOST_TIMERS, `${harness.clock.pendingTimers} timers`);
    must(
      [...harness.session.state.replica.points()].length <= MOST_POINTS,
      'more points than allowed',
    );
  }
}

function checkPublished({ type, key, value, origin, time }: Point): void {
  const fit = (tokenProblem(type) ?? keyProblem(key)) === undefined && key !== '';
  must(fit, `published on a type or key that cannot be a subject: ${type}/${key}`);
  must(!isReservedType(type), `published, and not the device's to report: ${type}`);
  must(origin === '', 'published in the name of somebody else');
  must(!Number.isNaN(numberOf(value)), 'NaN published');
  must(time > 0n, 'published without a time');
}

export const sessionTarget: FuzzTarget = {
  name: 'session',
  files: [
    'src/session/packets/session.ts',
    'src/session/receiving/point-filter.ts',
    'src/session/receiving/uplink.ts',
    'src/session/sending/sender.ts',
    'src/session/codec/choice.ts',
    'src/session/codec/probe.ts',
    'src/session/receiving/device-time.ts',
    'src/session/sending/outgoing.ts',
    'src/session/node/replica.ts',
    'src/session/receiving/restart.ts',
    'src/session/settings/reconciler.ts',
    'src/session/settings/record.ts',
    'src/session/settings/setting.ts',
    'src/session/settings/settings.ts',
    'src/session/settings/states.ts',
    'src/session/settings/transitions.ts',
    'src/session/node/counters.ts',
    'src/session/sending/flight.ts',
    'src/session/sending/retransmit-timer.ts',
    'src/session/sending/silence.ts',
    'src/session/settings/queue.ts',
    'src/session/settings/client.ts',
    'src/session/settings/outcomes.ts',
  ],
  maxLength: 1_500,
  firstLook: 200,
  words: [
    Uint8Array.of(2, 100),
    Uint8Array.of(3),
    Uint8Array.of(4),
    Uint8Array.of(5, 0, 7),
    Uint8Array.of(9),
    Uint8Array.of(2, 255),
    'uptime',
  ],
  corpus: () => [
    ...frames()
      .filter(({ length }) => length < 256)
      .map((frame) => Uint8Array.from([0, frame.length, ...frame])),
    ...[...payloads('gen1'), ...payloads('gen2')]
      .filter(({ length }) => length < 256)
      .map((payload, i) => Uint8Array.from([...packetStep(i + 1, payload), 5, 0, 7, 9, 2, 40, 9])),
  ],
  generate: script,
  check: (input) => {
    const plays = (['as written', 'byte by byte'] as const).map((chunking) => {
      const play = new Play(chunking);
      play.run(input);
      return play;
    });
    const [whole, bytewise] = plays;
    agree('published, as written and byte by byte', whole?.published, bytewise?.published);
    agree('written, for both chunkings', whole?.written, bytewise?.written);
  },
};

const packetStep = (sequence: number, payload: Uint8Array, subject = 0): number[] => [
  1,
  sequence & 0xff,
  subject,
  payload.length,
  ...payload,
];

/** A session that a device might have. */
function script(random: SeededRandom): Uint8Array {
  const codec = POINT_CODECS[random.chance(0.5) ? 'compact' : 'protobuf'];
  const steps: number[] = [];
  let sequence = random.below(256);
  for (let step = random.below(12); step >= 0; step -= 1) {
    sequence = (sequence % 255) + 1;
    const payload = codec.encode(somePoints(random, 3));
    if (random.chance(0.6) && payload.length < 256) steps.push(...packetStep(sequence, payload));
    else
      steps.push(
        ...choice(random, [
          [2, 40],
          [5, random.below(5), 7],
          [9],
          [3],
          [4],
          [6, random.below(16)],
          [7],
        ]),
      );
  }
  return Uint8Array.from(steps);
}
