/** `siot-mcu sim`. */
import {
  isUsageError,
  runSimulator,
  type SimulatorOptions,
} from '../../../firmware-sim/program.js';
import { SystemClock } from '../../point/clock.js';
import { openCanPort } from '../can-port.js';
import { CliError, ConfigFileError, EXIT_WRONG } from '../errors.js';
import { complain, printLine } from '../streams.js';

export async function simulate(options: SimulatorOptions): Promise<void> {
  const end = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => end.abort());
  try {
    await runSimulator(options, {
      out: printLine,
      err: complain,
      signal: end.signal,
      openCan: (settings) => openCanPort(settings, new SystemClock()),
    });
  } catch (error) {
    if (!isUsageError(error) || !(error instanceof Error)) throw error;
    // Each problem of a profile is a line of its own, like the problems of a configuration.
    if (options.profile !== undefined && error.message.startsWith(`${options.profile}:`)) {
      throw new ConfigFileError(error.message.split('\n'));
    }
    throw new CliError(error.message, EXIT_WRONG, { cause: error });
  }
}
