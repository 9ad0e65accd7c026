import type { Packet } from '../../../packet/packet.js';
import type { Arrival } from '../../receiving/device-time.js';
import type { PacketServices, SubjectHandler } from '../subject.js';

/** Samples of a high-rate channel (docs/siot.md, 2.5). They are counted, and go no further. */
export class HighRateHandler implements SubjectHandler {
  constructor(private readonly services: PacketServices) {}

  packet({ sequence }: Packet, { ms }: Arrival): number {
    const { services } = this;
    services.state.counters.hrRx += 1;
    services.heard();
    services.diagnoser.talks(ms);
    services.restarted(services.restarts.sequence(sequence));
    return 0;
  }
}
