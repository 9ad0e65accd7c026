/**
 * What becomes of a setting (docs/contract.md, "On every opening", "Sending"): its
 * states, what happens to it, and {@link next}, which says what follows.
 *
 * ```
 *            ┌─────────── waiting for the device ────────────┐
 *            │              unsendable                       │   ack    ┌─────────┐
 *  (new) ──► │ pending ──────────────────► sent ◄─► setAside │ ───────► │ inForce │
 *            │    └► noting ─► noted ────►  │                │  report  └─────────┘
 *            │         └► unnoted           │                │   bus     │   │  ▲
 *            └──────────────────────────────┼────────────────┘           │   │  │
 *                  ▲                        └──► unconfirmed ────────────┤   │  │
 *                  └── the device has restarted ─────────────────────────┘   ▼  │
 *                                                                          replaced
 * ```
 *
 * A command goes to `ended` where another setting goes to `inForce` or
 * `unconfirmed`. A pending one is `refused` when there is no room for a newer one of
 * its point; any one is `superseded` by a newer one.
 *
 * The rows of the table are events, the columns are states. `·`: nothing changes.
 * `✗`: that cannot happen. A letter is the state that follows, of another setting / of
 * a command where they differ. A number: see below.
 *
 * ```
 *                P    N    D    X    S    A    U    F    Q    R    E    Z    -
 *  noting        ✗/N  ✗    ✗    ✗    ✗    ✗    ✗    ✗    ✗    ✗    ✗    ✗    ✗
 *  noted         ✗    D    ✗    ✗    ✗    ✗    ✗    ✗    ✗    ✗    ✗    ·    ·
 *  notNoted      ✗    X    ✗    ✗    ✗    ✗    ✗    ✗    ✗    ✗    ✗    ·    ·
 *  stateSaved    ·    ·    ·    P    ·    ·    ·    ·    ·    ·    ·    ·    ·
 *  unsendable    U    ✗    U    ✗    U    U    U    ✗    ✗    ✗    ✗    ✗    ✗
 *  transmitted   S/✗  ✗    S    ✗    S    A    ✗    ✗    ✗    ✗    ✗    ✗    ·
 *  sentOnce      Q/✗  ✗    E    ✗    Q/E  Q    ✗    ✗    ✗    ✗    ✗    ✗    ✗
 *  acknowledged  1    ✗    ✗    ✗    F/E  F    1    2    F    2    2    ·    ·
 *  ackTakenBack  3    ✗    ✗    ✗    3    3    3    3    3    3    3    ✗    ·
 *  unanswered    4    ✗    ✗    ✗    4    4    ✗    ✗    ✗    ✗    ✗    ✗    ·
 *  opened        ·    ·    ·    P    ·/E  S    5    ·    ·    ·    ·    ·    ·
 *  codecKnown    ·    ·    ·    P    ·    S    5    ·    ·    ·    ·    ·    ·
 *  awake         ·    ·    ·    ·    ·    S    ·    ·    ·    ·    ·    ·    ·
 *  restarted     ·    ·    ·    ·    ·/E  ·    ·/5  ·    ·    ·    ·    ·    ·
 *  resync        ·    ·    ·    ·    6    6    6    6    6    ·    ·    ·    ·
 *  takenByBus    ✗    ✗    ✗    ✗    F/E  ✗    ✗    ·    ✗    ✗    ✗    F/E  ·
 *  reportedSame  ·    ·    ·    ·    F/E  F    7    F    F    7    ·    ·    ✗
 *  reportedOther ·    ·    ·    ·    S    A    U    8    8    ·    ·    ·    ✗
 *  doubtOver     ✗    ✗    ✗    ✗    ✗    ✗    ✗    8    8    ✗    ✗    ✗    ✗
 *  noRoom        9    Z    Z    Z    9    9    9    ·    ·    ·    ·    ·    ✗
 *  superseded    -    -    -    -    -    -    -    -    -    -    -    -    ✗
 *
 *  P pending  N noting  D noted  X unnoted  S sent  A setAside  U unsendable
 *  F inForce  Q unconfirmed  R replaced  E ended  Z refused  - superseded
 * ```
 *
 * 1. F where it had been sent: before it was to be sent again, or before it was
 *    found unsendable. Else `✗`.
 * 2. `·`, but that it was acknowledged is known from now on, where only a report had
 *    confirmed it.
 * 3. Back to what it was, where that very acknowledgement has made it what it is. P
 *    that restores nothing without it: S. A command stays E: its retries would be
 *    another packet now.
 * 4. Of a device that was heard: A. That never acknowledges: Q. Otherwise `·`. A
 *    command: E. P as S where it is restored and was in flight meanwhile, else `✗`.
 * 5. P or S, as it was before it was found unsendable; a command that was sent: E
 *    (not for `codecKnown`).
 * 6. What is in force, or being restored already, is P from now on, where settings are
 *    restored at all; a command never is. What else is set aside is sent with the
 *    others, S.
 * 7. U: as S where it was sent, else `·`. R: F where nothing newer was reported.
 * 8. By a differing report: R, or in doubt first. A doubt that is over: R.
 * 9. Z, but `·` for one that is in force and only sent again.
 */
import type { Unanswered } from '../sending/client.js';
import {
  PENDING,
  confirmationOf,
  isDoubted,
  isInForce,
  isWaiting,
  restoredBy,
  wasReported,
  wasSent,
  type Confirmation,
  type InForce,
  type Noted,
  type Pending,
  type Sent,
  type SetAside,
  type SettingLife,
} from './states.js';

/** What can happen to a setting. */
export type SettingEvent =
  /** The command is being written to disk as sent; it is there; it could not be written. */
  | { readonly type: 'noting' | 'noted' | 'notNoted' }
  /** The disk takes what is to be kept again. */
  | { readonly type: 'stateSaved' }
  /** No packet can hold it. */
  | { readonly type: 'unsendable'; readonly why: string }
  /** It was written, for the first time or again. */
  | { readonly type: 'transmitted' }
  /** It was written, to a device that never acknowledges. */
  | { readonly type: 'sentOnce' }
  /** By the device, at this wall time, ns. */
  | { readonly type: 'acknowledged'; readonly ns: bigint }
  /** It had not: that was an echo of what the gateway sent. `before`: what it was before the acknowledgement. */
  | {
      readonly type: 'ackTakenBack';
      readonly before: SettingLife;
      readonly confirmed: Confirmation;
    }
  /** The last retransmission has found no answer. */
  | { readonly type: 'unanswered'; readonly why: Unanswered; readonly nowMs: number }
  /** See `SenderEvent` in sending/client.ts. */
  | { readonly type: 'opened' | 'codecKnown' | 'awake' | 'restarted' }
  /** The device is to have it again. `restore`: also what is in force. */
  | { readonly type: 'resync'; readonly restore: boolean }
  | { readonly type: 'takenByBus'; readonly ns: bigint }
  /** The device reports its value. `newest`: nothing newer was reported of the point. */
  | { readonly type: 'reportedSame'; readonly ns: bigint; readonly newest: boolean }
  | {
      readonly type: 'reportedOther';
      /** When, by a time of the device's own, ns. */
      readonly datedNs: bigint | undefined;
      /** For the first time in a round (report-round.ts): no proof. */
      readonly first: boolean;
      readonly resyncing: boolean;
    }
  /** Nothing has contradicted a differing report for a whole round. */
  | { readonly type: 'doubtOver'; readonly resyncing: boolean }
  /** For a newer one of the point. */
  | { readonly type: 'noRoom' }
  /** By a newer one of the point. */
  | { readonly type: 'superseded' };

/**
 * What is to be done after a step:
 * - `enqueue`, `dequeue`: it waits to be sent from now on, or no longer
 * - `postpone`: the others that wait are sent first
 * - `show`: SIOT is to show it, where it does not: it is in force
 * - `showUnconfirmed`: so it may be, as far as anyone knows
 * - `showBefore`: SIOT is to show what it did before `show` for this confirmation
 * - `doubtBegins`, `doubtEnds`: the device is to report all again, or need not
 * - `setAside`, `replaced`: people are to know
 * - `unconfirmed`: nobody will know whether the device has it. `why`: for people
 * - `changed`: what is kept or shown of it is not as before
 */
export type SettingEffect =
  | {
      readonly do:
        | 'enqueue'
        | 'dequeue'
        | 'postpone'
        | 'show'
        | 'showUnconfirmed'
        | 'doubtBegins'
        | 'doubtEnds'
        | 'setAside'
        | 'replaced'
        | 'changed';
    }
  | { readonly do: 'showBefore'; readonly confirmed: Confirmation }
  | { readonly do: 'unconfirmed'; readonly why?: string };

/** What follows from an event: the next state, and what is to be done. */
export interface Step {
  readonly life: SettingLife;
  /** In the order in which they are to be done. */
  readonly effects: readonly SettingEffect[];
}

const ASIDE_FIRST_MS = 10_000;
const ASIDE_LONGEST_MS = 600_000;

/**
 * What follows for a setting. `undefined`: this cannot happen to it. Pure.
 *
 * @param command it acts once: it is never sent again after its end
 */
export function next(life: SettingLife, event: SettingEvent, command: boolean): Step | undefined {
  switch (event.type) {
    case 'noting':
      return life.name === 'pending' && command ? step(life, { name: 'noting' }) : undefined;
    case 'noted':
      return noteEnded(life, { name: 'noted' });
    case 'notNoted':
      return noteEnded(life, { name: 'unnoted' });
    case 'stateSaved':
      return life.name === 'unnoted' ? step(life, PENDING) : same(life);
    case 'unsendable':
      return unsendable(life, event.why);
    case 'transmitted':
      return transmitted(life, command);
    case 'sentOnce':
      return sentOnce(life, command);
    case 'acknowledged':
      return acknowledged(life, event.ns, command);
    case 'ackTakenBack':
      return ackTakenBack(life, event, command);
    case 'unanswered':
      return unanswered(life, event, command);
    case 'opened':
      if (command && isTransmitted(life)) return endedUnknown(life, OPENED);
      return triedAgain(life);
    case 'codecKnown':
      return triedAgain(life);
    case 'awake':
      return life.name === 'setAside' ? step(life, sentAgain(life)) : same(life);
    case 'restarted':
      return command && isTransmitted(life) ? endedUnknown(life, RESTARTED) : same(life);
    case 'resync':
      return resync(life, event.restore && !command);
    case 'takenByBus':
      return takenByBus(life, event.ns, command);
    case 'reportedSame':
      return reportedSame(life, event, command);
    case 'reportedOther':
      return reportedOther(life, event);
    case 'doubtOver':
      if (!isInForce(life) || !life.doubted) return undefined;
      return event.resyncing || life.confirmed === undefined
        ? step(life, { ...life, doubted: false })
        : replaced(life);
    case 'noRoom':
      if (life.name === 'superseded') return undefined;
      return isWaiting(life) && restoredBy(life) === undefined
        ? step(life, { name: 'refused' })
        : same(life);
    case 'superseded':
      return life.name === 'superseded'
        ? undefined
        : step(life, { name: 'superseded', confirmed: confirmationOf(life) });
  }
}

const OPENED = 'the port was opened again';
const RESTARTED = 'the device restarted';
const UNANSWERED = 'it was not acknowledged';
const ECHO = 'its acknowledgement was an echo of ours';

const same = (life: SettingLife): Step => ({ life, effects: [] });

/** From one state to another, with what every such step has for effects. */
function step(from: SettingLife, life: SettingLife, ...effects: SettingEffect[]): Step {
  const all: SettingEffect[] = [];
  // The newer one takes its place there.
  if (isWaiting(from) && !isWaiting(life) && life.name !== 'superseded')
    all.push({ do: 'dequeue' });
  if (!isWaiting(from) && isWaiting(life)) all.push({ do: 'enqueue' });
  if (isDoubted(from) && !isDoubted(life)) all.push({ do: 'doubtEnds' });
  if (!isDoubted(from) && isDoubted(life)) all.push({ do: 'doubtBegins' });
  all.push(...effects, { do: 'changed' });
  return { life, effects: all };
}

const noteEnded = (life: SettingLife, noted: Noted): Step | undefined => {
  if (life.name === 'noting') return step(life, noted);
  return life.name === 'refused' || life.name === 'superseded' ? same(life) : undefined;
};

function unsendable(life: SettingLife, why: string): Step | undefined {
  switch (life.name) {
    case 'pending':
    case 'sent':
      return step(life, { name: 'unsendable', why, before: life });
    case 'noted':
      return step(life, { name: 'unsendable', why, before: { name: 'pending' } });
    case 'setAside':
      return step(life, { name: 'unsendable', why, before: sentAgain(life) });
    case 'unsendable':
      return life.why === why ? same(life) : step(life, { ...life, why });
    default:
      return undefined;
  }
}

function transmitted(life: SettingLife, command: boolean): Step | undefined {
  switch (life.name) {
    case 'pending':
      return command
        ? undefined
        : step(life, { name: 'sent', reported: false, restores: life.restores });
    case 'noted':
      return step(life, { name: 'sent', reported: false });
    case 'sent':
    case 'setAside':
      // How often it was sent is told to people.
      return step(life, life.reported ? { ...life, reported: false } : life);
    case 'superseded':
      return same(life);
    default:
      return undefined;
  }
}

function sentOnce(life: SettingLife, command: boolean): Step | undefined {
  if (life.name === 'pending' && command) return undefined;
  switch (life.name) {
    case 'pending':
    case 'noted':
    case 'sent':
    case 'setAside':
      return unconfirmed(life, false, command);
    default:
      return undefined;
  }
}

function acknowledged(life: SettingLife, ns: bigint, command: boolean): Step | undefined {
  switch (life.name) {
    case 'noting':
    case 'noted':
    case 'unnoted':
      return undefined;
    case 'refused':
    case 'superseded':
      return same(life);
    case 'pending':
    case 'unsendable':
      if (!wasSent(life) && restoredBy(life) === undefined) return undefined;
      return confirmed(life, { ns, by: 'ack' }, command);
    case 'sent':
    case 'setAside':
    case 'unconfirmed':
      return confirmed(life, { ns, by: 'ack' }, command);
    case 'inForce':
    case 'replaced':
    case 'ended':
      // Its report was sooner.
      return life.confirmed?.by === 'report'
        ? step(life, { ...life, confirmed: { ...life.confirmed, by: 'ack' } })
        : same(life);
  }
}

function ackTakenBack(
  life: SettingLife,
  { before, confirmed: taken }: SettingEvent & { readonly type: 'ackTakenBack' },
  command: boolean,
): Step | undefined {
  switch (life.name) {
    case 'noting':
    case 'noted':
    case 'unnoted':
    case 'refused':
      return undefined;
    case 'superseded':
      return same(life);
    default:
      // Something else may have become of it since.
      if (confirmationOf(life) !== taken) return same(life);
  }
  if (command) return endedUnknown(before, ECHO, life);
  switch (life.name) {
    case 'inForce':
    case 'unconfirmed':
      return step(life, asBefore(before, life.reported), ...showBefore(taken, life.reported));
    case 'replaced':
    case 'ended':
      return step(life, asBefore(before, true));
    default:
      // The device has restarted since: it is to be sent in any case.
      return step(
        life,
        restoring(life, restoredBefore(before)),
        ...showBefore(taken, restoredBy(life)?.reported ?? false),
      );
  }
}

/** What the device has reported since stands. */
const showBefore = (confirmed: Confirmation, reported: boolean): SettingEffect[] =>
  reported ? [] : [{ do: 'showBefore', confirmed }];

const showUnconfirmed = (reported: boolean): SettingEffect[] =>
  reported ? [] : [{ do: 'showUnconfirmed' }];

/** What it was before an acknowledgement that was none. What the device has reported since counts. */
function asBefore(before: SettingLife, reported: boolean): SettingLife {
  switch (before.name) {
    case 'sent':
    case 'setAside':
      return { ...sentAgain(before), reported };
    case 'inForce':
    case 'unconfirmed':
      return { ...before, reported, doubted: false };
    case 'unsendable':
      return before.before;
    default:
      return before;
  }
}

/** What a setting restored that is restored again. */
const restoredBefore = (before: SettingLife): InForce | undefined =>
  isInForce(before) ? { ...before, doubted: false } : restoredBy(before);

/** The same, but it restores something else. */
function restoring(life: SettingLife, restores: InForce | undefined): SettingLife {
  switch (life.name) {
    case 'pending':
    case 'sent':
      return restoringOrSent(life, restores);
    case 'setAside':
      return { ...life, restores };
    case 'unsendable':
      return { ...life, before: restoringOrSent(life.before, restores) };
    default:
      return life;
  }
}

/** With nothing to restore it is one that was sent, and not acknowledged: its ack may still come. */
const restoringOrSent = (life: Pending | Sent, restores: InForce | undefined): Pending | Sent =>
  restores === undefined ? { name: 'sent', reported: wasReported(life) } : { ...life, restores };

function unanswered(
  life: SettingLife,
  { why, nowMs }: SettingEvent & { readonly type: 'unanswered' },
  command: boolean,
): Step | undefined {
  switch (life.name) {
    case 'superseded':
      return same(life);
    case 'pending':
      if (life.restores === undefined || command) return undefined;
      break;
    case 'sent':
    case 'setAside':
      break;
    default:
      return undefined;
  }
  if (command) return endedUnknown(life, UNANSWERED);
  switch (why) {
    case 'silence':
      return { life, effects: [{ do: 'postpone' }] };
    case 'again':
      return same(life);
    case 'neverAcknowledges':
      return unconfirmed(life, wasReported(life), command);
    case 'ignored': {
      const pauseMs =
        life.name === 'setAside' ? Math.min(life.pauseMs * 2, ASIDE_LONGEST_MS) : ASIDE_FIRST_MS;
      const { restores } = life;
      const aside = { restores, reported: wasReported(life), pauseMs, untilMs: nowMs + pauseMs };
      return step(life, { name: 'setAside', ...aside }, { do: 'postpone' }, { do: 'setAside' });
    }
  }
}

/** With the others again, and as often as they are. */
const sentAgain = ({ reported, restores }: Omit<Sent, 'name'>): Sent => ({
  name: 'sent',
  reported,
  restores,
});

/** It was transmitted, and is not acknowledged. */
const isTransmitted = (life: SettingLife): boolean => isWaiting(life) && wasSent(life);

/** A command ends, and nobody will know whether the device has it. */
function endedUnknown(before: SettingLife, why: string, from = before): Step {
  const ended: SettingLife = { name: 'ended', confirmed: confirmationOf(before) };
  return step(from, ended, { do: 'unconfirmed', why }, ...showUnconfirmed(wasReported(before)));
}

/** Sent, to a device that acknowledges nothing. */
function unconfirmed(life: SettingLife, reported: boolean, command: boolean): Step {
  const confirmed = confirmationOf(life);
  const after: SettingLife = command
    ? { name: 'ended', confirmed }
    : { name: 'unconfirmed', confirmed, reported, doubted: false };
  return step(life, after, { do: 'unconfirmed' }, ...showUnconfirmed(reported));
}

/** What could not be sent or noted, or was not answered, is tried again. */
function triedAgain(life: SettingLife): Step {
  switch (life.name) {
    case 'unnoted':
      return step(life, PENDING);
    case 'setAside':
      return step(life, sentAgain(life));
    case 'unsendable':
      return step(life, life.before);
    default:
      return same(life);
  }
}

/** What is in force is to be sent again, and nothing is set aside any more. */
function resync(life: SettingLife, restore: boolean): Step {
  if (isInForce(life)) {
    if (!restore) return same(life);
    // What the device said before it restarted is of no interest any more.
    return step(life, { name: 'pending', restores: { ...life, doubted: false } });
  }
  const restores = restore ? restoredBy(life) : undefined;
  switch (life.name) {
    case 'sent':
      return restores === undefined ? same(life) : step(life, { name: 'pending', restores });
    case 'setAside':
      return step(life, restores === undefined ? sentAgain(life) : { name: 'pending', restores });
    case 'unsendable':
      return restores === undefined || life.before.name === 'pending'
        ? same(life)
        : step(life, { ...life, before: { name: 'pending', restores } });
    default:
      return same(life);
  }
}

function takenByBus(life: SettingLife, ns: bigint, command: boolean): Step | undefined {
  switch (life.name) {
    case 'sent':
    case 'refused': // Its frame was with the bus already.
      return confirmed(life, { ns, by: 'bus' }, command);
    case 'inForce':
    case 'superseded':
      return same(life);
    default:
      return undefined;
  }
}

/** The device, or the bus, has it. */
function confirmed(life: SettingLife, { ns, by }: Confirmation, command: boolean): Step {
  const before = confirmationOf(life);
  const confirmation = { ns, by: before?.by === 'ack' ? 'ack' : by };
  const reported = wasReported(life) || by === 'report';
  const after: SettingLife = command
    ? { name: 'ended', confirmed: confirmation }
    : { name: 'inForce', confirmed: confirmation, reported, doubted: false };
  return reported ? step(life, after) : step(life, after, { do: 'show' });
}

function reportedSame(
  life: SettingLife,
  { ns, newest }: SettingEvent & { readonly type: 'reportedSame' },
  command: boolean,
): Step | undefined {
  switch (life.name) {
    case 'superseded':
      return undefined;
    case 'sent':
    case 'setAside':
    case 'unconfirmed':
      return confirmed(life, { ns, by: 'report' }, command);
    case 'unsendable':
      // Before it was sent it says nothing: the one sent before it may still come.
      return wasSent(life) ? confirmed(life, { ns, by: 'report' }, command) : same(life);
    case 'replaced':
      // What took its place was under way when the device took it, or has been taken back there.
      return newest ? confirmed(life, { ns, by: 'report' }, command) : same(life);
    case 'inForce':
      if (life.doubted) return step(life, { ...life, reported: true, doubted: false });
      return seen(life);
    default:
      return same(life);
  }
}

function reportedOther(
  life: SettingLife,
  { datedNs, first, resyncing }: SettingEvent & { readonly type: 'reportedOther' },
): Step | undefined {
  switch (life.name) {
    case 'superseded':
      return undefined;
    case 'sent':
    case 'setAside':
      return seen(life);
    case 'unsendable':
      return life.before.name === 'sent' && !life.before.reported
        ? { life: { ...life, before: { ...life.before, reported: true } }, effects: [] }
        : same(life);
    case 'inForce':
    case 'unconfirmed':
      break;
    default:
      return same(life);
  }
  // Before it was confirmed, and while all are sent again, it may have been under way.
  if (resyncing || life.confirmed === undefined) return seen(life);
  // A time of the device's own tells what was still under way, or is history.
  if (datedNs !== undefined) return datedNs >= life.confirmed.ns ? replaced(life) : seen(life);
  if (first && !life.doubted) return step(life, { ...life, reported: true, doubted: true });
  return replaced(life);
}

/** The device has reported the point since. */
const seen = (life: Sent | SetAside | InForce): Step =>
  life.reported ? same(life) : { life: { ...life, reported: true }, effects: [] };

const replaced = (life: InForce): Step =>
  step(life, { name: 'replaced', confirmed: life.confirmed }, { do: 'replaced' });
