import type { Packet } from '../../../packet/packet.js';
import type { Arrival } from '../../receiving/device-time.js';
import type { PacketServices, SubjectHandler } from '../subject.js';

/** The device acknowledges a packet of ours (docs/contract.md, "Sending"). */
export class AckHandler implements SubjectHandler {
  constructor(private readonly services: PacketServices) {}

  packet({ sequence }: Packet, { ms }: Arrival, doubtful: boolean): number {
    const { codecs, downlink, possibleEchoes, line, state } = this.services;
    const { connected } = state.presence;
    const before = doubtful ? { ...downlink.life, connected } : undefined;
    const effect = codecs.ack(sequence) ? undefined : downlink.ack(sequence);
    if (before === undefined) {
      if (effect !== undefined) possibleEchoes.surelyAcknowledged();
    } else {
      if (effect !== undefined) possibleEchoes.ack(effect, ms, line.notEchoedMs);
      possibleEchoes.heard(before, ms, line.notEchoedMs);
    }
    this.services.heard(doubtful);
    return 0;
  }
}
