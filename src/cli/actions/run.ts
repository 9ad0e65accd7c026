/** `siot-mcu run`. */
import { hostname } from 'node:os';
import { isatty } from 'node:tty';
import type { GatewayConfig } from '../../gateway/config/config.js';
import { Gateway } from '../../gateway/gateway.js';
import { SystemClock } from '../../point/clock.js';
import { readConfig, readConfigFile } from '../config-file.js';
import { configFileOf } from '../config-places.js';
import { portWarnings } from '../config-warnings.js';
import { endAtOnce } from '../end-at-once.js';
import { ConfigFileError, errorText, EXIT_FAILED } from '../errors.js';
import { isJournal } from '../journal.js';
import { createLogger, type LogFormat, type Logger } from '../logger.js';
import type { ConfigOption } from '../options.js';
import { VERSION } from '../version.js';

export interface RunOptions extends ConfigOption {
  readonly logFormat?: 'text' | 'json';
}

export async function run({ config: named, logFormat }: RunOptions): Promise<void> {
  const file = configFileOf(named);
  const read = readConfig(file, process.env);
  const { config } = read;
  const log = createLogger(config.log.level, logFormat ?? formatOfStderr());
  for (const { path, message } of await portWarnings(read)) {
    log.warn({}, read.problem(path, message));
  }
  await new Daemon(file, config, log).run();
}

function formatOfStderr(): LogFormat {
  if (isJournal()) return 'journal';
  return process.stderr.isTTY ? 'text' : 'json';
}

/** docs/contract.md, "siot-mcu run": SIGTERM and SIGINT end it within 5 s. */
const STOP_WITHIN_MS = 4_500;
/** One Ctrl-C may arrive twice, from the terminal and from npm; a person is slower. */
const SAME_SIGNAL_MS = 300;

class Daemon {
  readonly #gateway: Gateway;
  #stoppingSince: number | undefined;
  #end: () => void = () => undefined;
  readonly #ended = new Promise<void>((resolve) => (this.#end = resolve));

  constructor(
    private readonly file: string,
    config: GatewayConfig,
    private readonly log: Logger,
  ) {
    const clock = new SystemClock();
    this.#gateway = new Gateway(config, {
      clock,
      random: Math.random,
      log,
      version: VERSION,
      hostName: hostname(),
    });
  }

  async run(): Promise<void> {
    process.on('SIGTERM', () => this.#stop());
    process.on('SIGINT', () => this.#stop());
    const onTerminal = isatty(0);
    process.on('SIGHUP', () => {
      // If the terminal was closed, SIGHUP ends the program, as it ends other programs.
      if (onTerminal && !isatty(0)) this.#stop();
      else void this.#reload();
    });
    try {
      await this.#gateway.start();
    } catch (error) {
      if (this.#stoppingSince === undefined) {
        this.log.error({}, errorText(error));
        await this.#gateway.stop().catch(() => undefined);
        process.exit(EXIT_FAILED);
      }
    }
    await this.#ended;
    // What is still open had time to close before.
    endAtOnce();
  }

  #stop(): void {
    const now = performance.now();
    if (this.#stoppingSince !== undefined) {
      if (now - this.#stoppingSince > SAME_SIGNAL_MS) process.exit(EXIT_FAILED);
      return;
    }
    this.#stoppingSince = now;
    setTimeout(() => {
      this.log.warn({}, 'not everything could be handed on in time');
      this.#end();
    }, STOP_WITHIN_MS);
    this.#gateway.stop().then(this.#end, (error: unknown) => {
      this.log.error({}, errorText(error));
      this.#end();
    });
  }

  async #reload(): Promise<void> {
    try {
      const config = readConfigFile(this.file, process.env);
      this.log.setLevel(config.log.level);
      await this.#gateway.reload(config);
    } catch (error) {
      const problems = error instanceof ConfigFileError ? error.problems : [errorText(error)];
      for (const problem of problems) this.log.error({}, problem);
      this.log.error({}, 'the configuration is not applied: the one before stays in force');
    }
  }
}
