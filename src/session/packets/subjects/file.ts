import type { Packet } from '../../../packet/packet.js';
import type { Arrival } from '../../receiving/device-time.js';
import type { PacketServices, SubjectHandler } from '../subject.js';

/** A block of a file. No device has a reason to send one: nothing was asked for. */
export class FileHandler implements SubjectHandler {
  constructor(private readonly services: PacketServices) {}

  packet({ subject }: Packet, { ms }: Arrival): number {
    const { counters } = this.services.state;
    counters.rx += 1;
    this.services.heard();
    this.services.diagnoser.talks(ms);
    counters.discard('unexpected', { subject });
    return 0;
  }
}
