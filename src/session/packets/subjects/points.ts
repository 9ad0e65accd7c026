import { POINTS_SUBJECT, type Packet } from '../../../packet/packet.js';
import { isEmptyList } from '../../codec/choice.js';
import type { Arrival } from '../../receiving/device-time.js';
import { PointFilter } from '../../receiving/point-filter.js';
import { Uplink } from '../../receiving/uplink.js';
import type { PacketServices, SubjectHandler } from '../subject.js';

/** Points of the device, or none: then it is a hello. Those that are fit for SIOT go to the outbox. */
export class PointsHandler implements SubjectHandler {
  readonly #filter: PointFilter;
  readonly #uplink: Uplink;

  constructor(private readonly services: PacketServices) {
    const { state, host, clock, maxFrameLength, restarts } = services;
    this.#filter = new PointFilter(
      state.replica,
      state.counters,
      state.infos,
      services.deviceClock,
    );
    this.#uplink = new Uplink(
      host,
      services,
      clock,
      state.counters,
      maxFrameLength,
      restarts.lastKnown.sequence,
    );
  }

  packet(packet: Packet, arrival: Arrival): number {
    const { services } = this;
    const { sequence, payload } = packet;
    const { state } = services;
    const { counters } = state;
    counters.rx += 1;
    services.heard();
    if (payload.length === 0 || isEmptyList(payload)) {
      this.#hello(packet, arrival);
      return 0;
    }
    if (this.#uplink.repeats(packet)) {
      services.diagnoser.talks(arrival.ms);
      return 0;
    }
    const decoded = services.codecs.decode(payload);
    if (decoded === undefined) {
      services.diagnoser.undecodable();
      return 0;
    }
    if (isWord(packet.subject)) services.diagnoser.talks(arrival.ms);
    else services.diagnoser.undecodable();
    const { points, oddValues, mendedTexts } = decoded;
    if (oddValues > 0) counters.discard('oddValue', {}, oddValues);
    if (mendedTexts > 0) counters.notice('mendedText', mendedTexts);

    const bySequence = services.restarts.sequence(sequence);
    services.restarted(this.#filter.restartSign(points, services.restarts) ?? bySequence);
    const taken = this.#filter.take(points, arrival);
    // Also those for which the outbox has no room.
    state.ages.reported(taken, arrival.ms);
    if (this.#uplink.deliver(packet, taken)) services.settings.pointsReported(taken);
    return points.length;
  }

  opened(): void {
    this.#uplink.opened();
  }

  restarted(): void {
    this.#uplink.restarted();
  }

  #hello({ sequence, payload }: Packet, { ms }: Arrival): void {
    this.services.diagnoser.talks(ms);
    // Also an empty list tells the codec.
    if (payload.length > 0) this.services.codecs.decode(payload);
    this.#uplink.hello(sequence);
    this.services.restarted(this.services.restarts.hello(sequence));
  }
}

/** Whether a subject is text. Where a device writes it shorter, bytes of its points are in it. */
const isWord = (subject: string): boolean =>
  subject === '' || subject === POINTS_SUBJECT || /^[\x20-\x7e]+$/.test(subject);
