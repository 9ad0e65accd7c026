/** Checks of what a link makes of its CAN database, which take the database itself. */
import { DatabaseError } from '../signals/database.js';
import { readDatabase } from '../signals/formats.js';
import { planSignals } from '../signals/signal-plan.js';
import type { SentMessage } from './config-can-checks.js';
import { groupAt, listAt, textAt, type ConfigProblem, type Placed } from './config-parts.js';
import { nearest } from './nearest.js';

export interface SignalFindings {
  readonly problems: readonly ConfigProblem[];
  readonly sent: readonly SentMessage[];
}

/** Only of links of this type. `file`: its name, for people. */
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
    // One line for each key: the rest is what `siot-mcu can decode` says.
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
