/**
 * What is counted of a link. Each cause has one name, the same in logs, in points and
 * in `siot-mcu watch`.
 */
import type { FrameDiscard } from '../../framing/framing.js';
import type { PacketDiscard } from '../../packet/packet.js';
import type { Clock } from '../../point/clock.js';
import type { Log } from '../../point/log.js';
import { LogRateLimiter } from '../../point/log-rate-limiter.js';
import type { TokenProblem } from '../../point/token.js';
import type { ChannelDiscard } from '../../transport/transport.js';
import type { QuotaProblem } from './point-quota.js';
import type { SettingRefusal } from './setting-quota.js';

/**
 * Why something that a device sent went no further, besides broken frames and
 * packets:
 * - `payload`: points that do not decode
 * - `oddValue`: a value of a wrong length or unknown dataType
 * - `nan`: not a number, which would destroy the node in SIOT up to 0.22
 * - `reserved`: a point that the gateway or its administrator owns
 * - `tooManyPoints`: one more distinct point than the link or the gateway may have
 * - `tooManyBytes`: more bytes than SIOT can answer with, of the link or the gateway
 * - `nodeDeleted`: somebody deleted the link's node in SIOT
 * - `outboxFull`: not acknowledged, so that the device tries again
 * - `unexpected`: a packet that a device has no reason to send
 * - `refusedByStore`: too often refused by SIOT's store while it took others
 * - `notPermitted`: too often not permitted by NATS, which took others
 * - `unsendable`: too large for the NATS server
 * - `unwritable`: it cannot be written as bytes, such as a time beyond 64 bits
 * - `highRate`: a high-rate packet that cannot be used
 * - `tooManyChannels`: a high-rate packet of one more channel than a device may have
 * - `highRateGap`: samples of a high-rate channel that were lost before they came here
 * - `highRateDropped`: a high-rate packet that NATS did not take in time
 */
export type PointDiscard =
  | TokenProblem
  | 'payload'
  | 'oddValue'
  | 'nan'
  | 'reserved'
  | QuotaProblem
  | 'nodeDeleted'
  | 'outboxFull'
  | 'unexpected'
  | 'refusedByStore'
  | 'notPermitted'
  | 'unsendable'
  | 'unwritable'
  | 'highRate'
  | 'tooManyChannels'
  | 'highRateGap'
  | 'highRateDropped';

/** Why something that was received went no further. */
export type Discard = ChannelDiscard | FrameDiscard | PacketDiscard | PointDiscard;

/** Causes that are errors on the wire, which SIOT knows as `errorCount` (docs/siot.md, 5.1). */
const WIRE_ERRORS: ReadonlySet<Discard> = new Set<Discard>([
  'canFrame',
  'canOverrun',
  'oversize',
  'malformed',
  'isoTpFrame',
  'isoTpSequence',
  'isoTpUnexpected',
  'isoTpTimeout',
  'isoTpOverflow',
  'short',
  'crc',
  'payload',
]);

/**
 * What is counted besides, though nothing was lost by it:
 * - `mendedText`: text that was not UTF-8
 * - `stampedTime`, `mappedTime`, `futureTime`: time 0; counted from the
 *   device's start; more than 1 s ahead
 * - `duplicate`: a packet that was acknowledged again and not processed twice
 * - `samePoint`: the very same point again
 * - `retransmission`: a packet of ours sent again
 * - `echo`: a packet of ours that the line returned
 * - `unconfirmed`: a setting or command that was sent and never confirmed
 * - `restart`: the device has restarted
 * - `refusedSetting`: somebody set a point that is not sent down
 * - `tooManySettings`: somebody set a point that would be one more than the link may have
 * - `tooManySettingBytes`: somebody set a text for which the settings of the link have no room
 * - `droppedLog`: a log line of the device beyond its rate (device-log.ts)
 * - `delayedSetting`: a setting that had to wait, since too many were set at once
 * - `slowedInput`: reading from the device was slowed, to leave time for others; counts how often that began
 * - `givenDescription`: the device's description, not published since somebody has given the node another
 * - `badPointInfo`: something that the device announces of its points, and that cannot be used
 * - `stale`: a point that was not reported for longer than its `maxAge`
 * - `superseded`: a point that was dropped for a newer one of its own while SIOT was behind
 */
export type Notice = (typeof NOTICES)[number];

const NOTICES = [
  'mendedText',
  'stampedTime',
  'mappedTime',
  'futureTime',
  'duplicate',
  'samePoint',
  'retransmission',
  'echo',
  'unconfirmed',
  'restart',
  'refusedSetting',
  'tooManySettings',
  'tooManySettingBytes',
  'droppedLog',
  'delayedSetting',
  'slowedInput',
  'givenDescription',
  'badPointInfo',
  'stale',
  'superseded',
] as const;

/** Whether nothing was lost by what is counted under this name. */
export const isNotice = (cause: string): boolean => (NOTICES as readonly string[]).includes(cause);

/** Types come from devices and people, who must not fill the memory. */
const MOST_TYPES_LOGGED = 100;

const NO_ROOM: Readonly<Record<SettingRefusal, string>> = {
  tooManySettings:
    'somebody has set one more distinct point than the link may have (maxPoints): not sent to the device',
  tooManySettingBytes:
    'somebody has set this point, and the settings of the link have no room for so many bytes: ' +
    'not sent to the device',
};

/** The counters of one link. */
export class Counters {
  /** CRC-valid packets received other than ack and high-rate (docs/siot.md, 5.1). */
  rx = 0;
  /** Point and ack packets sent, each transmission. */
  tx = 0;
  /** High-rate packets received. */
  hrRx = 0;
  /** Broken frames, packets and payloads. */
  errorCount = 0;
  /** High-rate packets that cannot be used. */
  errorCountHR = 0;
  /** Points received that went on. */
  points = 0;
  /** Packets with a point that were sent, each transmission; of a bus frames. */
  sentPoints = 0;
  readonly #causes = new Map<Discard | Notice, number>();
  readonly #told: LogRateLimiter;
  readonly #typesLogged = new Map<'reserved' | SettingRefusal, Set<string>>();

  constructor(
    clock: Clock,
    private readonly log: Log,
  ) {
    this.#told = new LogRateLimiter(clock);
  }

  /** Counts what was thrown away, and logs it at most once a minute for each cause. */
  discard(cause: Discard, detail: object, count = 1): void {
    this.#add(cause, count);
    if (WIRE_ERRORS.has(cause)) this.errorCount += count;
    if (cause === 'highRate') this.errorCountHR += count;
    if (this.#told.due(cause) === 0) return;
    this.log.warn({ cause, total: this.#causes.get(cause), ...detail }, 'discarded');
  }

  /** Counts a gap in a high-rate channel, and logs it at most once a minute. */
  gap(detail: { readonly type: string; readonly key: string; readonly samples: number }): void {
    this.#add('highRateGap', 1);
    const gaps = this.#told.due('highRateGap');
    if (gaps === 0) return;
    this.log.warn({ ...detail, gaps }, 'samples of a high-rate channel are missing');
  }

  /** Counts a device's point that the gateway or its administrator owns, and logs it once for each type. */
  reserved(type: string): void {
    this.#add('reserved', 1);
    this.#logOnce('reserved', type, 'discarded');
  }

  /** Counts a setting for which there is no room, and logs it once for each type. */
  noRoom(cause: SettingRefusal, type: string): void {
    this.#add(cause, 1);
    this.#logOnce(cause, type, NO_ROOM[cause]);
  }

  /** Counts something that is no error. */
  notice(cause: Notice, count = 1): void {
    this.#add(cause, count);
  }

  get(cause: Discard | Notice): number {
    return this.#causes.get(cause) ?? 0;
  }

  /** All causes that have been counted, by name. */
  causes(): ReadonlyMap<Discard | Notice, number> {
    return this.#causes;
  }

  #logOnce(cause: 'reserved' | SettingRefusal, type: string, message: string): void {
    let logged = this.#typesLogged.get(cause);
    if (logged === undefined) this.#typesLogged.set(cause, (logged = new Set()));
    if (logged.has(type) || logged.size >= MOST_TYPES_LOGGED) return;
    logged.add(type);
    this.log.warn({ cause, type }, message);
  }

  #add(cause: Discard | Notice, count: number): void {
    this.#causes.set(cause, (this.#causes.get(cause) ?? 0) + count);
  }
}
