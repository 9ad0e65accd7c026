import { carriesPoints } from './codec.js';
import type { SimTimer } from './clock.js';
import type { ReceivedPacket } from './transcript.js';

/** What a behaviour can have the device do. */
export interface BehavingMcu {
  /** Takes the points of a packet: the clock is set, observers get the others. */
  apply(packet: ReceivedPacket): void;
  /** An ack, with the empty list of its codec as SIOT sends it. */
  sendAck(sequence: number): void;
  /** False: no packet with this sequence was waiting. */
  acknowledged(sequence: number): boolean;
  /** Calls `fn` in `ms`, unless the device restarts or is closed before. */
  later(ms: number, fn: () => void): SimTimer;
}

/**
 * What a device does on a packet, or with one of its own. The newest that says
 * `handled` has the last word; those below it never see the packet.
 */
export interface Behaviour {
  readonly name: string;
  /** A packet with a good CRC has come. */
  onPacket?(packet: ReceivedPacket, mcu: BehavingMcu): 'handled' | undefined;
  /** The device is about to transmit this. `drop`: it gets lost inside. */
  onSend?(packet: OutgoingPacket, mcu: BehavingMcu): 'drop' | undefined;
}

export interface OutgoingPacket {
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

/** At the bottom of every stack: takes what is received, and acknowledges it. */
export const applyAndAcknowledge: Behaviour = onPoints('apply and acknowledge', (packet, mcu) => {
  mcu.apply(packet);
  mcu.sendAck(packet.sequence);
});

/** At the bottom as well: an ack ends the packet with its sequence. */
export const takeAcks: Behaviour = {
  name: 'take acks',
  onPacket: (packet, mcu) => {
    if (packet.subject !== 'ack') return undefined;
    mcu.acknowledged(packet.sequence);
    return 'handled';
  },
};

/** As most firmware that was written for SIOT: it takes points and says nothing. */
export const neverAcknowledge = (): Behaviour =>
  onPoints('never acknowledge', (packet, mcu) => {
    mcu.apply(packet);
  });

/** Does not see points at all. */
export const ignorePoints = (): Behaviour => onPoints('ignore points', () => undefined);

/** Does not see acks: sends everything again. */
export const ignoreAcks = (): Behaviour => ({
  name: 'ignore acks',
  onPacket: (packet) => (packet.subject === 'ack' ? 'handled' : undefined),
});

export const acknowledgeLate = (ms: number): Behaviour =>
  onPoints(`acknowledge ${String(ms)} ms late`, (packet, mcu) => {
    mcu.apply(packet);
    mcu.later(ms, () => {
      mcu.sendAck(packet.sequence);
    });
  });

/** Acknowledges another packet than the one received. */
export const acknowledgeWrong = (offset = 1): Behaviour =>
  onPoints('acknowledge another sequence', (packet, mcu) => {
    mcu.apply(packet);
    mcu.sendAck((packet.sequence + offset) & 0xff);
  });

export const acknowledgeTwice = (): Behaviour =>
  onPoints('acknowledge twice', (packet, mcu) => {
    mcu.apply(packet);
    mcu.sendAck(packet.sequence);
    mcu.sendAck(packet.sequence);
  });

/** A behaviour that steps aside after it has handled `times` packets. */
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

/** A behaviour for some packets only. */
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
