/** Checks of links of type `can-signals` against the content of their CAN database. */
import { DatabaseError, type Database } from '../../signals/database.js';
import { readDatabase } from '../../signals/formats.js';
import { planSignals } from '../../signals/signal-plan.js';
import type { CanSignalsConfig } from './config.js';
import type { SentMessage } from './can-checks.js';
import { groupAt, listAt, textAt, type ConfigProblem, type Placed } from './parts.js';
import { nearest } from './nearest.js';

/** What {@link signalFindings} finds in one link. */
interface SignalFindings {
  readonly problems: readonly ConfigProblem[];
  readonly sent: readonly SentMessage[];
}

/** Checks a link of type `can-signals`. `content`: of its CAN database; `file`: the database's name, for people. */
export function signalFindings(placed: Placed, content: Uint8Array, file: string): SignalFindings {
  const { link, path } = placed;
  const transport = groupAt(link, 'transport');
  const problem = (keys: readonly (string | number)[], message: string): ConfigProblem => ({
    path: [...path, 'transport', ...keys],
    message,
  });
  let database;
  try {
    database = readDatabase(content, textAt(transport, 'bus'));
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    // Only the first problem, since each key has one line. `siot-mcu can decode` reports all.
    const [first] = error.problems;
    const more = error.problems.length - 1;
    const said = first === undefined ? '' : `:${first.line}:${first.column}: ${first.message}`;
    const message = `${file}${said}${more > 0 ? ` (and ${more} more)` : ''}`;
    return { problems: [problem(['database'], message)], sent: [] };
  }
  const transmit = listAt(transport, 'transmit').map(String);
  const plan = planSignals(database, {
    key: textAt(transport, 'key') ?? '{message}_{signal}',
    transmit,
  });
  const names = database.messages.map(({ name }) => name);
  const sent = transmit.flatMap((name, at) =>
    database.messages
      .filter((message) => message.name === name)
      .map(({ id, extended }) => ({ link: placed, at, id, extended })),
  );
  if ('codec' in plan) {
    const problems = transmit.flatMap((name, index) => {
      const fd = database.messages.some((message) => message.name === name && message.fd);
      const message = `${name} is sent as CAN FD; add fd: true`;
      return fd && transport.fd !== true ? [problem(['transmit', index], message)] : [];
    });
    return { problems, sent };
  }
  const problems = plan.map(({ option, index, message }) => {
    const near = index === undefined ? undefined : nearest(transmit[index] ?? '', names);
    const hint =
      near === undefined || names.includes(transmit[index ?? 0] ?? '')
        ? ''
        : `; did you mean ${near}?`;
    return problem(index === undefined ? [option] : [option, index], `${message}${hint}`);
  });
  return { problems, sent };
}

/** An option of the transport that is allowed but has less effect than it seems to have. */
interface SignalWarning {
  /** Key of the transport. */
  readonly key: string;
  /** For people. */
  readonly message: string;
}

/** What the options of a link do less than they seem to do. */
export function signalWarnings(
  { transmit, cyclic, minInterval, maxInterval }: CanSignalsConfig,
  { messages }: Database,
): SignalWarning[] {
  const once = messages.filter(
    ({ name, cycleMs }) => cyclic && cycleMs === undefined && transmit.includes(name),
  );
  return [
    ...(cyclic && transmit.length === 0
      ? [{ key: 'cyclic', message: 'does nothing without messages under transmit' }]
      : []),
    ...once.map(({ name }) => ({
      key: 'cyclic',
      message: `${name} has no cycle time in the database; it is sent once, when it is set`,
    })),
    ...(maxInterval > 0 && maxInterval < minInterval
      ? [
          {
            key: 'maxInterval',
            message: `is less than minInterval, so that values come every ${minInterval} ms at most`,
          },
        ]
      : []),
  ];
}
