import { carriesPoints } from './codec.js';
import type { SimTimer } from './clock.js';
import type { ReceivedPacket } from './transcript.js';

/** What a behaviour can do with the device. */
export interface BehavingMcu {
  /** Applies the points of a packet: `timeSync` sets the clock, observers get the others. */
  apply(packet: ReceivedPacket): void;
  /** Sends an ack, with the empty list of the codec, as SIOT does. */
  sendAck(sequence: number): void;
  /** Ends the packet with this sequence. False: there is none. */
  acknowledged(sequence: number): boolean;
  /** Calls `fn` in `ms`, unless the device restarts or is closed before. */
  later(ms: number, fn: () => void): SimTimer;
}

/**
 * What a device does with packets that it receives or sends. A packet passes the
 * behaviours from the newest to the oldest, until one returns `handled` or `drop`.
 */
export interface Behaviour {
  /** For people. */
  readonly name: string;
  /** A packet with a good CRC was received. `handled`: older behaviours do not get it. */
  onPacket?(packet: ReceivedPacket, mcu: BehavingMcu): 'handled' | undefined;
  /** Before a transmission. `drop`: it is not sent. */
  onSend?(packet: OutgoingPacket, mcu: BehavingMcu): 'drop' | undefined;
}

/** A packet that the device sends. */
export interface OutgoingPacket {
  /** 0 … 255 */
  readonly sequence: number;
  readonly subject: string;
  readonly payload: Uint8Array;
  /** 1 for the first transmission. */
  readonly attempt: number;
}

const hasPoints = (packet: ReceivedPacket): boolean =>
  carriesPoints(packet.subject) && packet.points.length > 0;

function onPoints(
  name: string,
  act: (packet: ReceivedPacket, mcu: BehavingMcu) => void,
): Behaviour {
  return {
    name,
    onPacket: (packet, mcu) => {
      if (!hasPoints(packet)) return undefined;
      act(packet, mcu);
      return 'handled';
    },
  };
}

/** Default of each device: applies received points and acknowledges them. */
export const applyAndAcknowledge: Behaviour = onPoints('apply and acknowledge', (packet, mcu) => {
  mcu.apply(packet);
  mcu.sendAck(packet.sequence);
});

/** Default of each device: an ack ends the packet with its sequence. */
export const takeAcks: Behaviour = {
  name: 'take acks',
  onPacket: (packet, mcu) => {
    if (packet.subject !== 'ack') return undefined;
    mcu.acknowledged(packet.sequence);
    return 'handled';
  },
};

/** Applies points without an ack, as most firmware that was written for SIOT. */
export const neverAcknowledge = (): Behaviour =>
  onPoints('never acknowledge', (packet, mcu) => {
    mcu.apply(packet);
  });

/** Neither applies nor acknowledges points. */
export const ignorePoints = (): Behaviour => onPoints('ignore points', () => undefined);

/** Ignores acks, so that each packet is sent again until it is given up. */
export const ignoreAcks = (): Behaviour => ({
  name: 'ignore acks',
  onPacket: (packet) => (packet.subject === 'ack' ? 'handled' : undefined),
});

/** Applies points at once, and acknowledges them `ms` later. */
export const acknowledgeLate = (ms: number): Behaviour =>
  onPoints(`acknowledge ${String(ms)} ms late`, (packet, mcu) => {
    mcu.apply(packet);
    mcu.later(ms, () => {
      mcu.sendAck(packet.sequence);
    });
  });

/** Acknowledges the sequence `offset` above the received one. */
export const acknowledgeWrong = (offset = 1): Behaviour =>
  onPoints('acknowledge another sequence', (packet, mcu) => {
    mcu.apply(packet);
    mcu.sendAck((packet.sequence + offset) & 0xff);
  });

/** Applies points, and sends two acks. */
export const acknowledgeTwice = (): Behaviour =>
  onPoints('acknowledge twice', (packet, mcu) => {
    mcu.apply(packet);
    mcu.sendAck(packet.sequence);
    mcu.sendAck(packet.sequence);
  });

/** A behaviour for the first `times` packets that it handles. */
export function limited(behaviour: Behaviour, times: number): Behaviour {
  let left = times;
  return {
    ...behaviour,
    name: `${behaviour.name}, ${String(times)} times`,
    onPacket: (packet, mcu) => {
      if (left <= 0 || behaviour.onPacket?.(packet, mcu) !== 'handled') return undefined;
      left -= 1;
      return 'handled';
    },
  };
}

/** A behaviour for the received packets to which it applies. */
export function when(
  applies: (packet: ReceivedPacket) => boolean,
  behaviour: Behaviour,
): Behaviour {
  return {
    ...behaviour,
    onPacket: (packet, mcu) => (applies(packet) ? behaviour.onPacket?.(packet, mcu) : undefined),
  };
}

/** For packets with a point of this type. */
export const whenType = (type: string, behaviour: Behaviour): Behaviour =>
  when((packet) => packet.points.some((point) => point.type === type), behaviour);
