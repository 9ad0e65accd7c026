import type { Packet } from '../../../packet/packet.js';
import type { Arrival } from '../../receiving/device-time.js';
import type { PacketServices, SubjectHandler } from '../subject.js';

/** The device acknowledges a packet of ours (docs/contract.md, "Sending"). */
export class AckHandler implements SubjectHandler {
  constructor(private readonly services: PacketServices) {}

  packet({ sequence }: Packet, { ms }: Arrival, doubtful: boolean): number {
    const { codecs, sender, possibleEchoes, line, state } = this.services;
    const { connected } = state.presence;
    const before = doubtful ? { ...sender.life, connected } : undefined;
    const effect = codecs.ack(sequence) ? undefined : sender.ack(sequence);
    if (!doubtful) this.services.diagnoser.acknowledges();
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
