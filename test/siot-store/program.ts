/**
 * The program behind `npm run siot-store -- --nats URL --as VERSION` (docs/contract.md,
 * "npm run siot-store"), apart from the process around it.
 */
import { parseArgs } from 'node:util';
import { VERSIONS, type Version } from './dialect.js';
import { SiotStore } from './siot-store.js';

const DEFAULT_NATS = 'nats://127.0.0.1:4222';

const HELP = `Usage: npm run siot-store -- [--nats URL] --as VERSION [--token TOKEN]

Stands in for a Simple IoT server on a nats-server that is already there.

  --nats URL      the nats-server (default ${DEFAULT_NATS})
  --as VERSION    what to behave as: ${VERSIONS.join(', ')}
  --token TOKEN   the nats-server's token, where it asks for one
  --help          this text

It begins with a root node and the user admin with the password admin, keeps
all in memory, and says on stdout when it answers. SIGTERM and SIGINT end it.
Exit status: 0 ended by a signal, 1 it failed, 2 the command line is wrong.
`;

/** The command line is wrong; the message says what is allowed. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

interface Arguments {
  readonly nats: string;
  readonly version: Version;
  readonly token: string | undefined;
}

function readArguments(args: string[]): Arguments | 'help' {
  const { values } = parse(args);
  if (values.help === true) return 'help';
  const version = VERSIONS.find((each) => each === values.as?.replace(/^v/, ''));
  if (version === undefined) {
    const given = values.as === undefined ? 'is missing' : `cannot be ${values.as}`;
    throw new UsageError(`--as ${given}; it is one of ${VERSIONS.join(', ')}`);
  }
  const nats = values.nats ?? DEFAULT_NATS;
  const url = /^(?:(?:nats|tls):\/\/)?(?:\[[0-9a-f:]+\]|[^\s:/]+)(?::(\d{1,5}))?\/?$/i.exec(nats);
  if (url === null || Number(url[1] ?? 0) > 65_535) {
    throw new UsageError(`--nats cannot be ${nats}; it is an address such as ${DEFAULT_NATS}`);
  }
  return { nats, version, token: values.token };
}

function parse(args: string[]): {
  values: { nats?: string; as?: string; token?: string; help?: boolean };
} {
  try {
    return parseArgs({
      args,
      options: {
        nats: { type: 'string' },
        as: { type: 'string' },
        token: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (cause) {
    // Node explains at length how to pass arguments that begin with a dash.
    const [first = ''] = messageOf(cause).split(/[.\n]/);
    throw new UsageError(first, { cause });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function whyNot(nats: string, error: unknown): string {
  const message = messageOf(error);
  return /authorization/i.test(message)
    ? `${nats} refuses the connection: ${message}; --token TOKEN gives the server's token`
    : `no connection to ${nats}: ${message}; is a nats-server running there?`;
}

/** The process around the program. */
export interface Surroundings {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Resolves when somebody wants the program to end. */
  readonly ended: Promise<void>;
}

/** Resolves with the exit status. */
export async function runProgram(args: string[], around: Surroundings): Promise<number> {
  const say = (line: string): void => around.err(`siot-store: ${line}\n`);
  let given: Arguments | 'help';
  try {
    given = readArguments(args);
  } catch (error) {
    say(`${messageOf(error)} (--help tells more)`);
    return 2;
  }
  if (given === 'help') {
    around.out(HELP);
    return 0;
  }
  const { nats, version, token } = given;
  let store: SiotStore;
  try {
    store = await SiotStore.start({
      nats,
      version,
      onStatus: say,
      ...(token === undefined ? {} : { token }),
    });
  } catch (error) {
    say(whyNot(nats, error));
    return 1;
  }
  around.out(`siot-store ${version} ready on ${nats} root ${store.rootId}\n`);
  const lost = await Promise.race([
    around.ended.then(() => undefined),
    store.closed().then((cause) => cause ?? new Error('closed')),
  ]);
  if (lost !== undefined) say(`the connection to ${nats} is lost for good: ${lost.message}`);
  await store.stop();
  return lost === undefined ? 0 : 1;
}
