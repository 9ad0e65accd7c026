/** What is seen of high-rate channels: rate, least and greatest sample, gaps. */
import { highRateSamples, readHighRate } from '../../packet/high-rate.js';
import { canonicalKey } from '../../point/point.js';
import { SampleClock } from './sample-clock.js';

/** One channel, as it was over some time. */
export interface ChannelView {
  readonly type: string;
  readonly key: string;
  /** Samples a second that came in this time. */
  readonly samplesPerSecond: number;
  /** As the device states it. */
  readonly periodNs: number;
  /** Of this time; `undefined`: nothing came, or nothing that is a number. */
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** Since the beginning. */
  readonly samples: number;
  readonly gaps: number;
  readonly missing: number;
}

/** A device has no more, and whoever else publishes on its node must not fill the memory. */
const MOST_CHANNELS = 256;

class Channel {
  readonly clock = new SampleClock();
  periodNs = 0;
  now = 0;
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;
  samples = 0;
  gaps = 0;
  missing = 0;

  constructor(
    readonly type: string,
    readonly key: string,
  ) {}

  /** And begins the next time. */
  view(seconds: number): ChannelView {
    const { type, key, periodNs, samples, gaps, missing } = this;
    const isEmpty = this.min > this.max;
    const view: ChannelView = {
      type,
      key,
      samplesPerSecond: this.now / seconds,
      periodNs,
      min: isEmpty ? undefined : this.min,
      max: isEmpty ? undefined : this.max,
      samples,
      gaps,
      missing,
    };
    this.now = 0;
    this.min = Number.POSITIVE_INFINITY;
    this.max = Number.NEGATIVE_INFINITY;
    return view;
  }
}

/** The channels of one link. */
export class Channels {
  readonly #channels = new Map<string, Channel>();
  #sinceMs: number;

  constructor(nowMs: number) {
    this.#sinceMs = nowMs;
  }

  /** The payload of a packet; one that cannot be read is left out. */
  take(payload: Uint8Array): void {
    const header = readHighRate(payload);
    if (header === undefined || header.periodNs === 0) return;
    const key = canonicalKey(header.key);
    const id = JSON.stringify([header.type, key]);
    let channel = this.#channels.get(id);
    if (channel === undefined) {
      if (this.#channels.size >= MOST_CHANNELS) return;
      channel = new Channel(header.type, key);
      this.#channels.set(id, channel);
    }
    const following = channel.clock.take(header);
    if (following.kind === 'gap') {
      channel.gaps += 1;
      channel.missing += following.missing;
    }
    channel.periodNs = header.periodNs;
    channel.now += header.samples;
    channel.samples += header.samples;
    for (const sample of highRateSamples(payload)) {
      if (sample < channel.min) channel.min = sample;
      if (sample > channel.max) channel.max = sample;
    }
  }

  /** All channels, by name, since the last call. */
  views(nowMs: number): ChannelView[] {
    const seconds = Math.max(nowMs - this.#sinceMs, 1) / 1000;
    this.#sinceMs = nowMs;
    return [...this.#channels.values()]
      .map((channel) => channel.view(seconds))
      .sort((a, b) => nameOfChannel(a).localeCompare(nameOfChannel(b)));
  }
}

/** As people write it. */
export const nameOfChannel = ({ type, key }: { type: string; key: string }): string =>
  canonicalKey(key) === '0' ? type : `${type}/${key}`;
