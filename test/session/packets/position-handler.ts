import type { Packet } from '../../../src/packet/packet.js';
import { floatValue } from '../../../src/point/point.js';
import type { Arrival } from '../../../src/session/receiving/device-time.js';
import type { PacketServices, SubjectHandler } from '../../../src/session/packets/subject.js';

/** A subject that the gateway has not: each packet is a position, a byte, which becomes a point. */
export class PositionHandler implements SubjectHandler {
  readonly arrivals: Arrival[] = [];
  readonly events: string[] = [];
  static last: PositionHandler | undefined;

  constructor(private readonly services: PacketServices) {
    PositionHandler.last = this;
  }

  packet({ sequence, payload }: Packet, arrival: Arrival): number {
    const { services } = this;
    this.arrivals.push(arrival);
    services.heard();
    services.restarted(services.restarts.sequence(sequence));
    services.state.publishOwn('position', '', floatValue(payload[0] ?? 0));
    services.acknowledge(sequence);
    return 1;
  }

  opened(): void {
    this.events.push('opened');
  }

  restarted(): void {
    this.events.push('restarted');
  }
}
