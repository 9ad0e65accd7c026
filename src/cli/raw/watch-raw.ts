/** `siot-mcu watch LINK --raw`: what crosses a link, as the gateway's socket tells it. */
import { once } from 'node:events';
import type { GatewayConfig } from '../../gateway/config/config.js';
import type { ObservedLink } from '../../gateway/control/control.js';
import { trafficEvent, type RawReply } from '../../gateway/control/verbs/raw-message.js';
import { SystemClock } from '../../point/clock.js';
import { readConfigFile } from '../config-file.js';
import { CliError, EXIT_WRONG } from '../errors.js';
import { askGateway, NoGatewayError } from '../gateway-socket.js';
import type { ConfigOption, JsonOption } from '../options.js';
import { overRestarts, type ShownAnswers } from '../over-restarts.js';
import { printLine } from '../streams.js';
import { RawDecoder } from './decoder.js';
import type { Decoded } from './decoded.js';
import { jsonLine } from './json.js';
import { textLines } from './text.js';

/** Options of the command. */
export interface RawOptions extends ConfigOption, JsonOption {
  /** With the bytes. */
  readonly hex: boolean;
}

const IDLE_LOOK_MS = 100;

/** Runs until the program ends. Throws a {@link CliError} if the gateway does not answer at first, or has no such link. */
export async function watchRaw(link: string, { config, json, hex }: RawOptions): Promise<never> {
  return showTraffic(link, readConfigFile(config, process.env), (decoded) =>
    printLine(json === true ? jsonLine(decoded, hex) : textLines(decoded, hex).join('\n')),
  );
}

/** As {@link watchRaw}; `print` is told what has crossed the link, and first that the link was found. */
export async function showTraffic(
  link: string,
  folders: Pick<GatewayConfig, 'runtimeDir' | 'stateDir'>,
  print: (decoded: Decoded) => void,
): Promise<never> {
  const printer = new Printer(print);
  const ask = async (): Promise<void> => {
    try {
      for await (const answer of askGateway(folders, { verb: 'raw', link })) {
        await printer.answer(answer as RawReply);
      }
    } finally {
      printer.ended();
    }
  };
  try {
    return await overRestarts(ask, printer);
  } catch (error) {
    throw error instanceof NoGatewayError ? elsewhere(error) : error;
  }
}

/** NATS, over which other commands reach a gateway, is no way for raw traffic. */
function elsewhere(error: NoGatewayError): CliError {
  if (error.why === 'denied') return error;
  const message =
    `${error.message}. Raw traffic is shown on the machine of the gateway only, ` +
    'by its runtimeDir: it does not go over NATS';
  return new CliError(message, error.status, { cause: error });
}

const clock = new SystemClock();

/** Prints what is found; it reads no faster than its reader. */
class Printer implements ShownAnswers {
  #decoder: RawDecoder | undefined;
  /** When the last traffic came, monotonic ms of this process. */
  #heardMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #note = '';

  constructor(private readonly print: (decoded: Decoded) => void) {}

  get hasBegun(): boolean {
    return this.#timer !== undefined;
  }

  async answer(answer: RawReply): Promise<void> {
    switch (answer.state) {
      case 'refused':
        throw new CliError(answer.reason, EXIT_WRONG);
      case 'observed':
        this.#begin(answer.link);
        break;
      case 'traffic':
        for (const event of answer.events) this.#decoder?.event(trafficEvent(event));
        this.#heardMs = clock.monotonicMs();
    }
    if (!process.stdout.writableNeedDrain) return;
    await once(process.stdout, 'drain');
    this.#heardMs = clock.monotonicMs();
  }

  note(text: string): void {
    if (text === this.#note) return;
    this.#note = text;
    this.print({ kind: 'note', wallNs: clock.wallNs(), text });
  }

  /** Nothing more comes from this gateway process. */
  ended(): void {
    this.#decoder?.idle(Number.POSITIVE_INFINITY);
    this.#decoder = undefined;
  }

  #begin({ name, transport, port, problem, format }: ObservedLink): void {
    this.#note = '';
    const about = problem === undefined ? {} : { problem };
    this.print({ kind: 'begin', wallNs: clock.wallNs(), name, transport, port, ...about });
    this.#decoder = new RawDecoder(format, this.print);
    this.#heardMs = clock.monotonicMs();
    this.#timer ??= setInterval(() => this.#look(), IDLE_LOOK_MS);
  }

  /** While the output is full nothing is read: more may have come. */
  #look(): void {
    if (process.stdout.writableNeedDrain) return;
    this.#decoder?.idle(clock.monotonicMs() - this.#heardMs);
  }
}
