/** What is known of a link, for people and for programs that watch it. */
import type { Diagnosis } from '../../session/diagnosis/diagnosis.js';
import type { PlainValue } from '../../point/point.js';

/**
 * - `talks`: packets of the device arrive
 * - `silent`: its port is open, and none does
 * - `closed`: its port is not open
 * - `disabled`: somebody has stopped the link in SIOT
 * - `held`: another USB board may be plugged in, so that settings are held back
 * - `deleted`: somebody has deleted its node in SIOT
 */
export type LinkState = 'talks' | 'silent' | 'closed' | 'disabled' | 'held' | 'deleted';

/** A second, measured over some 5 s. */
interface LinkRates {
  /** Points received that went on. */
  readonly pointsUp: number;
  /** Packets with a point that were sent, retransmissions and the time included; of a bus frames. */
  readonly pointsDown: number;
  /** Packets received, acks not counted; of a bus frames that the database knows. */
  readonly rx: number;
  /** Packets sent, acks counted. */
  readonly tx: number;
}

/** A link without its pending settings. */
export interface LinkSummary {
  readonly name: string;
  readonly nodeId: string;
  /** Description of the transport, such as `/dev/ttyUSB0 115200 8N1`. */
  readonly transport: string;
  readonly state: LinkState;
  /** Why it does not talk, or what is wrong though it does, for people; absent: nothing is known. */
  readonly reason?: string;
  /** ms since a packet with a valid CRC was heard, of a bus a frame that the database knows; absent: none since the start. */
  readonly heardMs?: number;
  /** From a packet to its ack, smoothed, ms; absent: not measured since the port was opened. */
  readonly roundTripMs?: number;
  readonly rates: LinkRates;
  readonly port: 'open' | 'closed' | 'disabled';
  /** Why the port is closed, for people; absent when it is open. */
  readonly portProblem?: string;
  readonly connected: boolean;
  /** The line returns what is sent on it: these packets are left out, and counted as `echo`. */
  readonly echoes: boolean;
  readonly node: 'alive' | 'deleted' | 'unknown';
  /** `signals`: none; a CAN database says what frames mean. `shell`: none; lines of text. */
  readonly codec: 'protobuf' | 'compact' | 'signals' | 'shell' | 'unknown';
  readonly acknowledges: 'yes' | 'no' | 'unknown';
  /** Counters by name, the same names as in logs and points. */
  readonly counters: Readonly<Record<string, number>>;
  /** Why the device does not talk, or loses points though it does; absent: nothing is known to be wrong. */
  readonly diagnosis?: Diagnosis;
  /** Changes when other things are known of its points (`Control.pointInfo`); absent: nothing is known of any. */
  readonly pointsVersion?: string;
  /** Points that were not reported for longer than their `maxAge`, as `TYPE` or `TYPE/KEY`; absent: none. */
  readonly stale?: readonly string[];
  /** Things for a person to do, such as "set protocol: compact". */
  readonly advice: readonly string[];
}

/** A link with its pending settings. */
export interface LinkStatus extends LinkSummary {
  readonly pending: readonly PendingSetting[];
  /** So many more are pending behind those, for which the page had no room. */
  readonly pendingLeft?: number;
}

/** A link whose pending settings are made only as far as they are read. */
export interface LinkView {
  readonly name: string;
  readonly pendingCount: number;
  summary(): LinkSummary;
  /** From the one of that number on, counted from 0. To be read at once: settings must not change meanwhile. */
  pending(from: number): Iterable<PendingSetting>;
}

/** A setting on its way to the device. */
export interface PendingSetting {
  readonly type: string;
  readonly key: string;
  /** A long text is cut. */
  readonly value: PlainValue;
  /** Of a text that is cut, in all, as UTF-8. */
  readonly valueBytes?: number;
  /** ns since 1970, as decimal text. */
  readonly time: string;
  readonly deleted: boolean;
  readonly command: boolean;
  /** Why it is still on its way, for people. Stays the same until there is another reason. */
  readonly reason: string;
  /** What moves on meanwhile, for people, such as `next try in 12 s`. */
  readonly progress?: string;
}
