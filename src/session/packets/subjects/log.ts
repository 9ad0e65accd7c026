import type { Packet } from '../../../packet/packet.js';
import { isMended, readText } from '../../../packet/text.js';
import type { PacketServices, SubjectHandler } from '../subject.js';

/**
 * A log line of the device. Without a CRC it is neither a sign of life nor has it a
 * sequence to trust.
 */
export class LogHandler implements SubjectHandler {
  constructor(private readonly services: PacketServices) {}

  packet({ payload }: Packet): number {
    const { counters, deviceLog } = this.services.state;
    counters.rx += 1;
    const text = readText(payload, 0, payload.length);
    if (isMended(text, payload, 0, payload.length)) counters.notice('mendedText');
    deviceLog.line(text);
    return 0;
  }
}
