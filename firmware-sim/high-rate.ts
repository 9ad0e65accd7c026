/**
 * Samples at a fixed rate, in `phr` packets (docs/siot.md, 2.5):
 *
 * | offset | size | field                                                   |
 * |--------|------|---------------------------------------------------------|
 * | 0      | 16   | type, filled up with NUL                                |
 * | 16     | 16   | key, filled up with NUL                                 |
 * | 32     | 8    | u64: time of the first sample, ns; 0: the time is unknown |
 * | 40     | 4    | u32: time from one sample to the next, ns               |
 * | 44     | 4·k  | float32: the samples                                    |
 *
 * All little-endian.
 */
import type { SimulatedMcu } from './mcu.js';
import type { HighRateProfile, Profile } from './profile.js';
import type { SeededRandom } from './random.js';
import { Waveform } from './waveform.js';

/** The content of a packet. */
interface HighRatePacket {
  /** At most 16 bytes each, as `key`. */
  readonly type: string;
  readonly key: string;
  readonly startNs: bigint;
  readonly periodNs: number;
  readonly samples: readonly number[];
}

const NAME_BYTES = 16;

/** The payload of a packet. Throws a RangeError: a name is too long. */
export function encodeHighRate(packet: HighRatePacket): Uint8Array {
  const { type, key, startNs, periodNs, samples } = packet;
  const bytes = new Uint8Array(44 + 4 * samples.length);
  const view = new DataView(bytes.buffer);
  for (const [index, name] of [type, key].entries()) {
    const text = new TextEncoder().encode(name);
    if (text.length > NAME_BYTES) throw new RangeError(`"${name}" is longer than 16 bytes`);
    bytes.set(text, index * NAME_BYTES);
  }
  view.setBigUint64(32, startNs, true);
  view.setUint32(40, periodNs, true);
  samples.forEach((sample, i) => {
    view.setFloat32(44 + 4 * i, sample, true);
  });
  return bytes;
}

/** Least time between two looks at what is to be sent, ms. */
const LOOK_MS = 5;
/** Samples that are older when they could be sent are lost, as in a device whose buffer is full, ms. */
const KEPT_MS = 200;

/** Runs the high-rate channels of a profile at each start of the device. */
export function runHighRate(mcu: SimulatedMcu, profile: Profile, random: SeededRandom): void {
  mcu.observe({
    started: () => {
      for (const channel of profile.highRate) {
        const wave = new Waveform(channel, random.fork(`${channel.type}/${channel.key}`));
        new HighRateSource(mcu, channel, wave).start();
      }
    },
  });
}

/** One channel: an ADC that runs from the start of the device. */
class HighRateSource {
  readonly #mcu: SimulatedMcu;
  readonly #profile: HighRateProfile;
  readonly #wave: Waveform;
  readonly #periodNs: number;
  /** Number of the next sample, from the start on. */
  #next = 0;

  constructor(mcu: SimulatedMcu, profile: HighRateProfile, wave: Waveform) {
    this.#mcu = mcu;
    this.#profile = profile;
    this.#wave = wave;
    this.#periodNs = Math.round(1e9 / profile.samplesPerSecond);
  }

  /** To be called when the device has started; ends with it. */
  start(): void {
    const packetMs = (this.#periodNs * this.#profile.samplesPerPacket) / 1e6;
    const look = (): void => {
      this.#mcu.later(Math.max(LOOK_MS, packetMs), look);
      this.#send();
    };
    look();
  }

  #send(): void {
    const { samplesPerPacket } = this.#profile;
    const uptimeNs = this.#mcu.uptimeMs * 1e6;
    const taken = Math.floor(uptimeNs / this.#periodNs);
    const kept = taken - Math.ceil((KEPT_MS * 1e6) / this.#periodNs) - samplesPerPacket;
    if (this.#next < kept) this.#next = kept;
    while (this.#next + samplesPerPacket <= taken) {
      void this.#mcu.sendPayload('phr', this.#packet(uptimeNs), { waitAck: false });
      this.#next += samplesPerPacket;
    }
  }

  #packet(uptimeNs: number): Uint8Array {
    const { type, key, samplesPerPacket } = this.#profile;
    const periodNs = this.#periodNs;
    const nowNs = this.#mcu.now();
    const ageNs = Math.round(uptimeNs - this.#next * periodNs);
    const samples = Array.from({ length: samplesPerPacket }, (_, i) =>
      this.#wave.at(((this.#next + i) * periodNs) / 1e6),
    );
    const startNs = nowNs === 0n ? 0n : nowNs - BigInt(ageNs);
    return encodeHighRate({ type, key, startNs, periodNs, samples });
  }
}
