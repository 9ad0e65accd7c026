import { encodeFrame } from '../../firmware-sim/cobs.js';
import { carriesPoints, POINT_CODECS, type Protocol } from '../../firmware-sim/codec.js';
import { encodePacket, type McuPacket } from '../../firmware-sim/packet.js';
import type { BytePipe } from '../../firmware-sim/pipe.js';
import { mcuPoint, type McuPoint, type PointLike } from '../../firmware-sim/points.js';
import { PacketReceiver } from '../../firmware-sim/receiver.js';

/** The gateway's end of the line, in the smallest form that the tests need. */
export class Peer {
  readonly packets: McuPacket[] = [];
  readonly bytes: number[] = [];
  acknowledges = true;
  #sequence = 0;

  constructor(
    private readonly pipe: Pick<BytePipe, 'write' | 'onData'>,
    private readonly protocol: Protocol,
  ) {
    const receiver = new PacketReceiver({
      packet: (packet) => {
        this.packets.push(packet);
        const points = carriesPoints(packet.subject) ? this.decode(packet) : [];
        if (this.acknowledges && points.length > 0) this.ack(packet.sequence);
      },
      problem: () => undefined,
    });
    pipe.onData = (bytes) => {
      this.bytes.push(...bytes);
      receiver.push(bytes);
    };
  }

  decode(packet: McuPacket): McuPoint[] {
    return POINT_CODECS[this.protocol].decode(packet.payload) ?? [];
  }

  /** Points received so far. */
  get points(): McuPoint[] {
    return this.packets.flatMap((p) => (carriesPoints(p.subject) ? this.decode(p) : []));
  }

  values(type: string): McuPoint['value'][] {
    return this.points.filter((point) => point.type === type).map((point) => point.value);
  }

  get acks(): number[] {
    return this.packets.filter((p) => p.subject === 'ack').map((p) => p.sequence);
  }

  ack(sequence: number): void {
    this.send({ sequence, subject: 'ack', payload: new Uint8Array() });
  }

  /** The sequence it was sent with. */
  set(point: PointLike, subject: '' | 'proto' = 'proto', sequence?: number): number {
    this.#sequence = sequence ?? (this.#sequence % 255) + 1;
    const payload = POINT_CODECS[this.protocol].encode([mcuPoint(point)]);
    this.send({ sequence: this.#sequence, subject, payload });
    return this.#sequence;
  }

  send(packet: McuPacket): void {
    this.pipe.write(encodeFrame(encodePacket(packet)));
  }
}
