/** What follows for a setting: each state with each event, for settings and for commands. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  confirmationOf,
  isDoubted,
  restoredBy,
  wasReported,
  type Confirmation,
  type SettingLife,
  type Unsendable,
} from '../../../src/session/settings/states.js';
import { next, type SettingEvent } from '../../../src/session/settings/transitions.js';

const ACK: Confirmation = { ns: 10n, by: 'ack' };
const REPORT: Confirmation = { ns: 10n, by: 'report' };

const LETTERS = {
  pending: 'P',
  noting: 'N',
  noted: 'D',
  unnoted: 'X',
  sent: 'S',
  setAside: 'A',
  unsendable: 'U',
  inForce: 'F',
  unconfirmed: 'Q',
  replaced: 'R',
  ended: 'E',
  refused: 'Z',
  superseded: '-',
} as const;

const inForce = (
  confirmed: Confirmation | undefined,
  more: { name?: 'unconfirmed'; reported?: boolean; doubted?: boolean } = {},
) => ({ name: 'inForce' as const, confirmed, reported: false, doubted: false, ...more });
const pending = { name: 'pending' } as const;
const sent = { name: 'sent', reported: false } as const;
const aside = { ...sent, name: 'setAside', pauseMs: 10_000, untilMs: 5 } as const;
const restores = inForce(ACK);
const unsendable = (before: Unsendable['before']): Unsendable => ({
  name: 'unsendable',
  why: 'too large',
  before,
});

/**
 * Behind the letter of a state: `r` it is restored, `a`, `p` or `b` confirmed by an ack,
 * a report or the bus, `?` doubted, `+` reported since; of one unsendable what it was before.
 */
function label(life: SettingLife): string {
  const by = confirmationOf(life)?.by;
  return [
    LETTERS[life.name],
    life.name === 'unsendable' ? LETTERS[life.before.name].toLowerCase() : '',
    restoredBy(life) === undefined ? '' : 'r',
    by === undefined ? '' : { ack: 'a', report: 'p', bus: 'b' }[by],
    isDoubted(life) ? '?' : '',
    wasReported(life) ? '+' : '',
  ].join('');
}

const STATES: readonly SettingLife[] = [
  pending,
  { ...pending, restores },
  { name: 'noting' },
  { name: 'noted' },
  { name: 'unnoted' },
  sent,
  { ...sent, reported: true },
  { ...sent, restores },
  aside,
  { ...aside, restores },
  unsendable(pending),
  unsendable({ ...pending, restores }),
  unsendable(sent),
  unsendable({ ...sent, restores }),
  inForce(ACK),
  inForce(ACK, { doubted: true, reported: true }),
  inForce(REPORT),
  inForce(undefined, { name: 'unconfirmed' }),
  inForce(ACK, { name: 'unconfirmed', doubted: true }),
  { name: 'replaced', confirmed: ACK },
  { name: 'replaced', confirmed: REPORT },
  { name: 'ended' },
  { name: 'ended', confirmed: REPORT },
  { name: 'refused' },
  { name: 'superseded', confirmed: ACK },
];

const back = (before: SettingLife): SettingEvent => ({
  type: 'ackTakenBack',
  before,
  confirmed: ACK,
});
const other = {
  type: 'reportedOther',
  datedNs: undefined,
  first: false,
  resyncing: false,
} as const;

const EVENTS: Readonly<Record<string, SettingEvent>> = {
  noting: { type: 'noting' },
  noted: { type: 'noted' },
  notNoted: { type: 'notNoted' },
  stateSaved: { type: 'stateSaved' },
  unsendable: { type: 'unsendable', why: 'too large' },
  transmitted: { type: 'transmitted' },
  sentOnce: { type: 'sentOnce' },
  acknowledged: { type: 'acknowledged', ns: 20n },
  'ackTakenBack to S': back({ ...aside, reported: true }),
  'ackTakenBack to Q': back(inForce(undefined, { name: 'unconfirmed' })),
  'unanswered silence': { type: 'unanswered', why: 'silence', nowMs: 100 },
  'unanswered ignored': { type: 'unanswered', why: 'ignored', nowMs: 100 },
  'unanswered again': { type: 'unanswered', why: 'again', nowMs: 100 },
  'unanswered never': { type: 'unanswered', why: 'neverAcknowledges', nowMs: 100 },
  opened: { type: 'opened' },
  codecKnown: { type: 'codecKnown' },
  awake: { type: 'awake' },
  restarted: { type: 'restarted' },
  resync: { type: 'resync', restore: true },
  'resync restore off': { type: 'resync', restore: false },
  takenByBus: { type: 'takenByBus', ns: 20n },
  reportedSame: { type: 'reportedSame', ns: 20n, newest: true },
  'reportedSame older': { type: 'reportedSame', ns: 20n, newest: false },
  reportedOther: other,
  'reportedOther first': { ...other, first: true },
  'reportedOther dated after': { ...other, first: true, datedNs: 10n },
  'reportedOther dated before': { ...other, datedNs: 9n },
  'reportedOther resync': { ...other, resyncing: true },
  doubtOver: { type: 'doubtOver', resyncing: false },
  'doubtOver resync': { type: 'doubtOver', resyncing: true },
  noRoom: { type: 'noRoom' },
  superseded: { type: 'superseded' },
};

const EFFECTS = {
  enqueue: 'e',
  dequeue: 'd',
  postpone: 'p',
  show: 's',
  showUnconfirmed: 'u',
  showBefore: 'b',
  doubtBegins: 'D',
  doubtEnds: 'E',
  setAside: 'a',
  replaced: 'r',
  unconfirmed: 'n',
  changed: 'c',
} as const;

/** `✗`: impossible; `·`: the very same state; else the state, and the effects behind a colon. */
function cell(life: SettingLife, event: SettingEvent, command: boolean): string {
  const step = next(life, event, command);
  if (step === undefined) return '✗';
  if (step.life === life && step.effects.length === 0) return '·';
  const effects = step.effects.map((one) => EFFECTS[one.do]).join('');
  return label(step.life) + (effects === '' ? '' : `:${effects}`);
}

function table(command: boolean): string {
  const rows = [
    ['', ...STATES.map(label)],
    ...Object.entries(EVENTS).map(([name, event]) => [
      name,
      ...STATES.map((life) => cell(life, event, command)),
    ]),
  ];
  const widths =
    rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0))) ?? [];
  return rows
    .map((row) =>
      row
        .map((text, at) => text.padEnd(widths[at] ?? 0))
        .join(' ')
        .trimEnd(),
    )
    .join('\n');
}
const OF_SETTINGS = `
                           P      Pra     N    D      X    S      S+     Sra     A      Ara     Up   Upra   Us     Usra   Fa      Fa?+    Fp      Q     Qa?     Ra    Rp    E   Ep   Z     -a
noting                     ✗      ✗       ✗    ✗      ✗    ✗      ✗      ✗       ✗      ✗       ✗    ✗      ✗      ✗      ✗       ✗       ✗       ✗     ✗       ✗     ✗     ✗   ✗    ✗     ✗
noted                      ✗      ✗       D:c  ✗      ✗    ✗      ✗      ✗       ✗      ✗       ✗    ✗      ✗      ✗      ✗       ✗       ✗       ✗     ✗       ✗     ✗     ✗   ✗    ·     ·
notNoted                   ✗      ✗       X:c  ✗      ✗    ✗      ✗      ✗       ✗      ✗       ✗    ✗      ✗      ✗      ✗       ✗       ✗       ✗     ✗       ✗     ✗     ✗   ✗    ·     ·
stateSaved                 ·      ·       ·    ·      P:c  ·      ·      ·       ·      ·       ·    ·      ·      ·      ·       ·       ·       ·     ·       ·     ·     ·   ·    ·     ·
unsendable                 Up:c   Upra:c  ✗    Up:c   ✗    Us:c   Us+:c  Usra:c  Us:c   Usra:c  ·    ·      ·      ·      ✗       ✗       ✗       ✗     ✗       ✗     ✗     ✗   ✗    ✗     ✗
transmitted                S:c    Sra:c   ✗    S:c    ✗    S:c    S:c    Sra:c   A:c    Ara:c   ✗    ✗      ✗      ✗      ✗       ✗       ✗       ✗     ✗       ✗     ✗     ✗   ✗    ✗     ·
sentOnce                   Q:dnuc Qa:dnuc ✗    Q:dnuc ✗    Q:dnuc Q:dnuc Qa:dnuc Q:dnuc Qa:dnuc ✗    ✗      ✗      ✗      ✗       ✗       ✗       ✗     ✗       ✗     ✗     ✗   ✗    ✗     ✗
acknowledged               ✗      Fa:dsc  ✗    ✗      ✗    Fa:dsc Fa+:dc Fa:dsc  Fa:dsc Fa:dsc  ✗    Fa:dsc Fa:dsc Fa:dsc ·       ·       Fa:c    Fa:sc Fa:Esc  ·     Ra:c  ·   Ea:c ·     ·
ackTakenBack to S          ·      S:bc    ✗    ✗      ✗    ·      ·      S:bc    ·      A:bc    ·    Us:bc  ·      Us:bc  S:ebc   S+:eEc  ·       ·     S:eEbc  S+:ec ·     ·   ·    ✗     ·
ackTakenBack to Q          ·      Pr:bc   ✗    ✗      ✗    ·      ·      Sr:bc   ·      Ar:bc   ·    Upr:bc ·      Usr:bc Q:bc    Q+:Ec   ·       ·     Q:Ebc   Q+:c  ·     ·   ·    ✗     ·
unanswered silence         ✗      Pra:p   ✗    ✗      ✗    S:p    S+:p   Sra:p   A:p    Ara:p   ✗    ✗      ✗      ✗      ✗       ✗       ✗       ✗     ✗       ✗     ✗     ✗   ✗    ✗     ·
unanswered ignored         ✗      Ara:pac ✗    ✗      ✗    A:pac  A+:pac Ara:pac A:pac  Ara:pac ✗    ✗      ✗      ✗      ✗       ✗       ✗       ✗     ✗       ✗     ✗     ✗   ✗    ✗     ·
unanswered again           ✗      ·       ✗    ✗      ✗    ·      ·      ·       ·      ·       ✗    ✗      ✗      ✗      ✗       ✗       ✗       ✗     ✗       ✗     ✗     ✗   ✗    ✗     ·
unanswered never           ✗      Qa:dnuc ✗    ✗      ✗    Q:dnuc Q+:dnc Qa:dnuc Q:dnuc Qa:dnuc ✗    ✗      ✗      ✗      ✗       ✗       ✗       ✗     ✗       ✗     ✗     ✗   ✗    ✗     ·
opened                     ·      ·       ·    ·      P:c  ·      ·      ·       S:c    Sra:c   P:c  Pra:c  S:c    Sra:c  ·       ·       ·       ·     ·       ·     ·     ·   ·    ·     ·
codecKnown                 ·      ·       ·    ·      P:c  ·      ·      ·       S:c    Sra:c   P:c  Pra:c  S:c    Sra:c  ·       ·       ·       ·     ·       ·     ·     ·   ·    ·     ·
awake                      ·      ·       ·    ·      ·    ·      ·      ·       S:c    Sra:c   ·    ·      ·      ·      ·       ·       ·       ·     ·       ·     ·     ·   ·    ·     ·
restarted                  ·      ·       ·    ·      ·    ·      ·      ·       ·      ·       ·    ·      ·      ·      ·       ·       ·       ·     ·       ·     ·     ·   ·    ·     ·
resync                     ·      ·       ·    ·      ·    ·      ·      Pra:c   S:c    Pra:c   ·    ·      ·      Upra:c Pra:ec  Pra:eEc Prp:ec  Pr:ec Pra:eEc ·     ·     ·   ·    ·     ·
resync restore off         ·      ·       ·    ·      ·    ·      ·      ·       S:c    Sra:c   ·    ·      ·      ·      ·       ·       ·       ·     ·       ·     ·     ·   ·    ·     ·
takenByBus                 ✗      ✗       ✗    ✗      ✗    Fb:dsc Fb+:dc Fa:dsc  ✗      ✗       ✗    ✗      ✗      ✗      ·       ·       ·       ✗     ✗       ✗     ✗     ✗   ✗    Fb:sc ·
reportedSame               ·      ·       ·    ·      ·    Fp+:dc Fp+:dc Fa+:dc  Fp+:dc Fa+:dc  ·    ·      Fp+:dc Fa+:dc Fa+     Fa+:Ec  Fp+     Fp+:c Fa+:Ec  Fa+:c Fp+:c ·   ·    ·     ✗
reportedSame older         ·      ·       ·    ·      ·    Fp+:dc Fp+:dc Fa+:dc  Fp+:dc Fa+:dc  ·    ·      Fp+:dc Fa+:dc Fa+     Fa+:Ec  Fp+     Fp+:c Fa+:Ec  ·     ·     ·   ·    ·     ✗
reportedOther              ·      ·       ·    ·      ·    S+     ·      Sra+    A+     Ara+    ·    ·      Us+    Usra+  Ra:rc   Ra:Erc  Rp:rc   Q+    Ra:Erc  ·     ·     ·   ·    ·     ✗
reportedOther first        ·      ·       ·    ·      ·    S+     ·      Sra+    A+     Ara+    ·    ·      Us+    Usra+  Fa?+:Dc Ra:Erc  Fp?+:Dc Q+    Ra:Erc  ·     ·     ·   ·    ·     ✗
reportedOther dated after  ·      ·       ·    ·      ·    S+     ·      Sra+    A+     Ara+    ·    ·      Us+    Usra+  Ra:rc   Ra:Erc  Rp:rc   Q+    Ra:Erc  ·     ·     ·   ·    ·     ✗
reportedOther dated before ·      ·       ·    ·      ·    S+     ·      Sra+    A+     Ara+    ·    ·      Us+    Usra+  Fa+     ·       Fp+     Q+    Qa?+    ·     ·     ·   ·    ·     ✗
reportedOther resync       ·      ·       ·    ·      ·    S+     ·      Sra+    A+     Ara+    ·    ·      Us+    Usra+  Fa+     ·       Fp+     Q+    Qa?+    ·     ·     ·   ·    ·     ✗
doubtOver                  ✗      ✗       ✗    ✗      ✗    ✗      ✗      ✗       ✗      ✗       ✗    ✗      ✗      ✗      ✗       Ra:Erc  ✗       ✗     Ra:Erc  ✗     ✗     ✗   ✗    ✗     ✗
doubtOver resync           ✗      ✗       ✗    ✗      ✗    ✗      ✗      ✗       ✗      ✗       ✗    ✗      ✗      ✗      ✗       Fa+:Ec  ✗       ✗     Qa:Ec   ✗     ✗     ✗   ✗    ✗     ✗
noRoom                     Z:dc   ·       Z:dc Z:dc   Z:dc Z:dc   Z:dc   ·       Z:dc   ·       Z:dc ·      Z:dc   ·      ·       ·       ·       ·     ·       ·     ·     ·   ·    ·     ✗
superseded                 -:c    -a:c    -:c  -:c    -:c  -:c    -:c    -a:c    -:c    -a:c    -:c  -a:c   -:c    -a:c   -a:c    -a:Ec   -p:c    -:c   -a:Ec   -a:c  -p:c  -:c -p:c -:c   ✗
`;

const OF_COMMANDS = `
                           P    Pra    N    D      X    S      S+     Sra     A      Ara     Up   Upra   Us     Usra    Fa      Fa?+   Fp      Q     Qa?    Ra    Rp   E   Ep   Z     -a
noting                     N:c  N:c    ✗    ✗      ✗    ✗      ✗      ✗       ✗      ✗       ✗    ✗      ✗      ✗       ✗       ✗      ✗       ✗     ✗      ✗     ✗    ✗   ✗    ✗     ✗
noted                      ✗    ✗      D:c  ✗      ✗    ✗      ✗      ✗       ✗      ✗       ✗    ✗      ✗      ✗       ✗       ✗      ✗       ✗     ✗      ✗     ✗    ✗   ✗    ·     ·
notNoted                   ✗    ✗      X:c  ✗      ✗    ✗      ✗      ✗       ✗      ✗       ✗    ✗      ✗      ✗       ✗       ✗      ✗       ✗     ✗      ✗     ✗    ✗   ✗    ·     ·
stateSaved                 ·    ·      ·    ·      P:c  ·      ·      ·       ·      ·       ·    ·      ·      ·       ·       ·      ·       ·     ·      ·     ·    ·   ·    ·     ·
unsendable                 Up:c Upra:c ✗    Up:c   ✗    Us:c   Us+:c  Usra:c  Us:c   Usra:c  ·    ·      ·      ·       ✗       ✗      ✗       ✗     ✗      ✗     ✗    ✗   ✗    ✗     ✗
transmitted                ✗    ✗      ✗    S:c    ✗    S:c    S:c    Sra:c   A:c    Ara:c   ✗    ✗      ✗      ✗       ✗       ✗      ✗       ✗     ✗      ✗     ✗    ✗   ✗    ✗     ·
sentOnce                   ✗    ✗      ✗    E:dnuc ✗    E:dnuc E:dnuc Ea:dnuc E:dnuc Ea:dnuc ✗    ✗      ✗      ✗       ✗       ✗      ✗       ✗     ✗      ✗     ✗    ✗   ✗    ✗     ✗
acknowledged               ✗    Ea:dsc ✗    ✗      ✗    Ea:dsc Ea:dc  Ea:dsc  Ea:dsc Ea:dsc  ✗    Ea:dsc Ea:dsc Ea:dsc  ·       ·      Fa:c    Ea:sc Ea:Esc ·     Ra:c ·   Ea:c ·     ·
ackTakenBack to S          ·    E:dnc  ✗    ✗      ✗    ·      ·      E:dnc   ·      E:dnc   ·    E:dnc  ·      E:dnc   E:nc    E:Enc  ·       ·     E:Enc  E:nc  ·    ·   ·    ✗     ·
ackTakenBack to Q          ·    E:dnuc ✗    ✗      ✗    ·      ·      E:dnuc  ·      E:dnuc  ·    E:dnuc ·      E:dnuc  E:nuc   E:Enuc ·       ·     E:Enuc E:nuc ·    ·   ·    ✗     ·
unanswered silence         ✗    ✗      ✗    ✗      ✗    E:dnuc E:dnc  Ea:dnuc E:dnuc Ea:dnuc ✗    ✗      ✗      ✗       ✗       ✗      ✗       ✗     ✗      ✗     ✗    ✗   ✗    ✗     ·
unanswered ignored         ✗    ✗      ✗    ✗      ✗    E:dnuc E:dnc  Ea:dnuc E:dnuc Ea:dnuc ✗    ✗      ✗      ✗       ✗       ✗      ✗       ✗     ✗      ✗     ✗    ✗   ✗    ✗     ·
unanswered again           ✗    ✗      ✗    ✗      ✗    E:dnuc E:dnc  Ea:dnuc E:dnuc Ea:dnuc ✗    ✗      ✗      ✗       ✗       ✗      ✗       ✗     ✗      ✗     ✗    ✗   ✗    ✗     ·
unanswered never           ✗    ✗      ✗    ✗      ✗    E:dnuc E:dnc  Ea:dnuc E:dnuc Ea:dnuc ✗    ✗      ✗      ✗       ✗       ✗      ✗       ✗     ✗      ✗     ✗    ✗   ✗    ✗     ·
opened                     ·    ·      ·    ·      P:c  E:dnuc E:dnc  Ea:dnuc E:dnuc Ea:dnuc P:c  Pra:c  E:dnuc Ea:dnuc ·       ·      ·       ·     ·      ·     ·    ·   ·    ·     ·
codecKnown                 ·    ·      ·    ·      P:c  ·      ·      ·       S:c    Sra:c   P:c  Pra:c  S:c    Sra:c   ·       ·      ·       ·     ·      ·     ·    ·   ·    ·     ·
awake                      ·    ·      ·    ·      ·    ·      ·      ·       S:c    Sra:c   ·    ·      ·      ·       ·       ·      ·       ·     ·      ·     ·    ·   ·    ·     ·
restarted                  ·    ·      ·    ·      ·    E:dnuc E:dnc  Ea:dnuc E:dnuc Ea:dnuc ·    ·      E:dnuc Ea:dnuc ·       ·      ·       ·     ·      ·     ·    ·   ·    ·     ·
resync                     ·    ·      ·    ·      ·    ·      ·      ·       S:c    Sra:c   ·    ·      ·      ·       ·       ·      ·       ·     ·      ·     ·    ·   ·    ·     ·
resync restore off         ·    ·      ·    ·      ·    ·      ·      ·       S:c    Sra:c   ·    ·      ·      ·       ·       ·      ·       ·     ·      ·     ·    ·   ·    ·     ·
takenByBus                 ✗    ✗      ✗    ✗      ✗    Eb:dsc Eb:dc  Ea:dsc  ✗      ✗       ✗    ✗      ✗      ✗       ·       ·      ·       ✗     ✗      ✗     ✗    ✗   ✗    Eb:sc ·
reportedSame               ·    ·      ·    ·      ·    Ep:dc  Ep:dc  Ea:dc   Ep:dc  Ea:dc   ·    ·      Ep:dc  Ea:dc   Fa+     Fa+:Ec Fp+     Ep:c  Ea:Ec  Ea:c  Ep:c ·   ·    ·     ✗
reportedSame older         ·    ·      ·    ·      ·    Ep:dc  Ep:dc  Ea:dc   Ep:dc  Ea:dc   ·    ·      Ep:dc  Ea:dc   Fa+     Fa+:Ec Fp+     Ep:c  Ea:Ec  ·     ·    ·   ·    ·     ✗
reportedOther              ·    ·      ·    ·      ·    S+     ·      Sra+    A+     Ara+    ·    ·      Us+    Usra+   Ra:rc   Ra:Erc Rp:rc   Q+    Ra:Erc ·     ·    ·   ·    ·     ✗
reportedOther first        ·    ·      ·    ·      ·    S+     ·      Sra+    A+     Ara+    ·    ·      Us+    Usra+   Fa?+:Dc Ra:Erc Fp?+:Dc Q+    Ra:Erc ·     ·    ·   ·    ·     ✗
reportedOther dated after  ·    ·      ·    ·      ·    S+     ·      Sra+    A+     Ara+    ·    ·      Us+    Usra+   Ra:rc   Ra:Erc Rp:rc   Q+    Ra:Erc ·     ·    ·   ·    ·     ✗
reportedOther dated before ·    ·      ·    ·      ·    S+     ·      Sra+    A+     Ara+    ·    ·      Us+    Usra+   Fa+     ·      Fp+     Q+    Qa?+   ·     ·    ·   ·    ·     ✗
reportedOther resync       ·    ·      ·    ·      ·    S+     ·      Sra+    A+     Ara+    ·    ·      Us+    Usra+   Fa+     ·      Fp+     Q+    Qa?+   ·     ·    ·   ·    ·     ✗
doubtOver                  ✗    ✗      ✗    ✗      ✗    ✗      ✗      ✗       ✗      ✗       ✗    ✗      ✗      ✗       ✗       Ra:Erc ✗       ✗     Ra:Erc ✗     ✗    ✗   ✗    ✗     ✗
doubtOver resync           ✗    ✗      ✗    ✗      ✗    ✗      ✗      ✗       ✗      ✗       ✗    ✗      ✗      ✗       ✗       Fa+:Ec ✗       ✗     Qa:Ec  ✗     ✗    ✗   ✗    ✗     ✗
noRoom                     Z:dc ·      Z:dc Z:dc   Z:dc Z:dc   Z:dc   ·       Z:dc   ·       Z:dc ·      Z:dc   ·       ·       ·      ·       ·     ·      ·     ·    ·   ·    ·     ✗
superseded                 -:c  -a:c   -:c  -:c    -:c  -:c    -:c    -a:c    -:c    -a:c    -:c  -a:c   -:c    -a:c    -a:c    -a:Ec  -p:c    -:c   -a:Ec  -a:c  -p:c -:c -p:c -:c   ✗
`;

/** A difference is told by its row and its column. */
const cells = (text: string): Record<string, string> => {
  const [head = '', ...rows] = text.split('\n').filter((line) => line.trim() !== '');
  const states = head.trim().split(/ +/);
  return Object.fromEntries(
    rows.flatMap((row) => {
      const words = row.trim().split(/ +/);
      const event = words.slice(0, -states.length).join(' ');
      return states.map((state, at) => [
        `${event} | ${state}`,
        words[words.length - states.length + at] ?? '',
      ]);
    }),
  );
};

it.each([
  ['a setting', false, OF_SETTINGS],
  ['a command', true, OF_COMMANDS],
] as const)('what follows for %s', (_, command, expected) => {
  expect(Object.keys(cells(expected))).toHaveLength(STATES.length * Object.keys(EVENTS).length);
  expect(cells(table(command))).toEqual(cells(expected));
});

describe('the table', () => {
  it('has every state, and every event', () => {
    expect(new Set(STATES.map(({ name }) => name))).toEqual(new Set(Object.keys(LETTERS)));
    const events = new Set(Object.values(EVENTS).map(({ type }) => type));
    expect(new Set(documented().map(([event]) => event))).toEqual(events);
  });

  it('in the source says what follows, where it does not refer to a note', () => {
    const wrong: string[] = [];
    for (const [event, cellsOfRow] of documented()) {
      expect(cellsOfRow).toHaveLength(Object.keys(LETTERS).length);
      for (const life of STATES) {
        for (const command of [false, true]) {
          if (!canBe(life, command)) continue;
          const own = LETTERS[life.name];
          const both = (cellsOfRow[Object.values(LETTERS).indexOf(own)] ?? '').split('/');
          const said = both[command ? both.length - 1 : 0] ?? '';
          if (/\d/.test(said)) continue;
          for (const [name, one] of Object.entries(EVENTS)) {
            if (one.type !== event) continue;
            const step = next(life, one, command);
            const follows = step === undefined ? '✗' : LETTERS[step.life.name];
            if (follows !== (said === '·' ? own : said)) {
              wrong.push(`${name} | ${label(life)}: ${said}, but ${follows}`);
            }
          }
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

/** The rows of the table in the docblock. */
function documented(): [event: string, cells: string[]][] {
  const url = new URL('../../../src/session/settings/transitions.ts', import.meta.url);
  const lines = readFileSync(url, 'utf8').split('\n');
  const head = lines.findIndex((line) => /^ \* +P +N +D/.test(line));
  expect(lines[head]?.slice(2).trim().split(/ +/)).toEqual(Object.values(LETTERS));
  const end = lines.indexOf(' *', head);
  return lines.slice(head + 1, end).map((line) => {
    const [, event = '', rest = ''] = /^ \* +([a-zA-Z]+) *(.*)$/.exec(line) ?? [];
    return [event, rest.trim().split(/ +/)];
  });
}

/** In the docblock's table, commands have states of their own. */
function canBe(life: SettingLife, command: boolean): boolean {
  switch (life.name) {
    case 'noting':
    case 'noted':
    case 'unnoted':
    case 'ended':
      return command;
    case 'setAside':
    case 'inForce':
    case 'unconfirmed':
    case 'replaced':
      return !command;
    default:
      return !command || restoredBy(life) === undefined;
  }
}

describe('a setting that is set aside', () => {
  it('waits longer after each try, up to 10 minutes', () => {
    let life: SettingLife = sent;
    const pauses: number[] = [];
    for (let i = 0; i < 8; i += 1) {
      life = next(life, { type: 'unanswered', why: 'ignored', nowMs: 1_000 }, false)?.life ?? life;
      if (life.name === 'setAside') pauses.push(life.pauseMs / 1_000);
      expect(life).toMatchObject({ untilMs: 1_000 + (pauses.at(-1) ?? 0) * 1_000 });
    }
    expect(pauses).toEqual([10, 20, 40, 80, 160, 320, 600, 600]);
  });
});

it('a command that is unconfirmed has a reason', () => {
  const why = (life: SettingLife, event: SettingEvent): unknown[] =>
    (next(life, event, true)?.effects ?? []).filter((one) => one.do === 'unconfirmed');
  const { opened, restarted } = EVENTS as Record<string, SettingEvent>;
  expect([
    why(sent, opened!),
    why(sent, restarted!),
    why(sent, EVENTS['unanswered silence']!),
    why({ name: 'ended', confirmed: ACK }, EVENTS['ackTakenBack to S']!),
    why(sent, EVENTS['sentOnce']!),
  ]).toEqual([
    [{ do: 'unconfirmed', why: 'the port was opened again' }],
    [{ do: 'unconfirmed', why: 'the device restarted' }],
    [{ do: 'unconfirmed', why: 'it was not acknowledged' }],
    [{ do: 'unconfirmed', why: 'its acknowledgement was an echo of ours' }],
    [{ do: 'unconfirmed' }],
  ]);
});
