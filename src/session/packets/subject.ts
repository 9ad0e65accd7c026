/**
 * What a packet's subject means: one handler for each subject, in a file of its own.
 * The table is in subjects.ts. A handler is given the services below, never the session.
 */
import type { Packet } from '../../packet/packet.js';
import type { Clock } from '../../point/clock.js';
import type { CodecChoice } from '../codec/choice.js';
import type { Diagnoser } from '../diagnosis/diagnoser.js';
import type { NodeHost, NodeState } from '../node-state.js';
import type { Arrival, DeviceClock } from '../receiving/device-time.js';
import type { RepetitionHost } from '../receiving/repetition-watch.js';
import type { RestartDetector, RestartSign } from '../receiving/restart.js';
import type { PossibleEchoes } from '../sending/possible-echoes.js';
import type { ReliableSender } from '../sending/sender.js';
import type { PacketLine } from './line.js';
import type { PacketSettings } from './settings.js';

/** What a session offers to its handlers. */
export interface PacketServices extends RepetitionHost {
  readonly clock: Clock;
  readonly line: Pick<PacketLine<never>, 'notEchoedMs'>;
  readonly codecs: CodecChoice;
  readonly sender: ReliableSender;
  readonly restarts: RestartDetector;
  /**
   * Sequence of the device's packet before this one, whatever its subject; of acks it is
   * the gateway's, and not counted. `undefined`: none has come yet.
   */
  readonly sequenceBefore: number | undefined;
  /** Maps the times of the device; begins anew when it has restarted, or the channel was opened. */
  readonly deviceClock: DeviceClock;
  readonly possibleEchoes: PossibleEchoes;
  /** Is told whether the device talks. */
  readonly diagnoser: Pick<Diagnoser, 'talks' | 'acknowledges' | 'undecodable'>;
  /** Is told what the device reports. */
  readonly settings: Pick<PacketSettings, 'pointsReported'>;
  /** Counters, replica, device log: what is known of the node. */
  readonly state: NodeState;
  /** Takes the device's points and samples to SIOT. */
  readonly host: Pick<NodeHost, 'report' | 'stream'>;
  /** Longest frame, bytes. */
  readonly maxFrameLength: number;
  /** The device lives: a packet with a valid CRC has come. `doubtful`: it may have been an echo. */
  heard(doubtful?: boolean): void;
  /** The device has restarted, if there is a sign of it. */
  restarted(sign: RestartSign | undefined): void;
  /** Sends an ack for a packet of the device, 0 … 255. False: it could not be written now. */
  acknowledge(sequence: number): boolean;
}

/** Handles all packets of one subject. */
export interface SubjectHandler {
  /**
   * A packet has come. `packet` is valid during the call only; `doubtful`: it may turn
   * out to be an echo of ours. Returns the number of points in it. Hot.
   */
  packet(packet: Packet, arrival: Arrival, doubtful: boolean): number;
  /** The channel was opened anew. */
  opened?(): void;
  /** The device has restarted. */
  restarted?(): void;
}

/** The session makes one handler of each class. */
export type SubjectHandlerClass = new (services: PacketServices) => SubjectHandler;
