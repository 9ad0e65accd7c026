/** Options that several commands share, and readers for their values. */
import { InvalidArgumentError, Option } from 'commander';
import { MAX_EXTENDED_ID } from '../transport/frame.js';
import { CONFIG_PLACES } from './config-places.js';
import { CliError, EXIT_WRONG } from './errors.js';

/** Value of {@link configOption}. */
export interface ConfigOption {
  readonly config?: string;
}

/** `-c FILE`. Where it is not given: `configFileOf`. */
export const configOption = (): Option =>
  new Option('-c, --config <file>', `configuration file (default: ${CONFIG_PLACES})`);

/** Value of {@link jsonOption}. */
export interface JsonOption {
  readonly json?: true;
}

/** `--json`. `what`: its help text, about what is printed then. */
export const jsonOption = (what: string): Option => new Option('--json', what);

/**
 * A value that may be an argument or an option. Throws a {@link CliError} if the two
 * differ. `things`: its name in the plural, for people.
 */
export function eitherOf(
  things: string,
  argument: string | undefined,
  option: string | undefined,
): string | undefined {
  if (argument !== undefined && option !== undefined && argument !== option) {
    throw new CliError(`two ${things}: ${argument} and ${option}; give one of them`, EXIT_WRONG);
  }
  return argument ?? option;
}

/** A reader of whole numbers in a range, for commander. */
export function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };
}

/** Reads a CAN identifier: `0x123` or `291`. */
export function canId(text: string): number {
  const id = /^(0x[\da-f]+|\d+)$/i.test(text) ? Number(text) : Number.NaN;
  if (id <= MAX_EXTENDED_ID) return id;
  throw new InvalidArgumentError('Give an identifier from 0 to 0x1fffffff, such as 0x123.');
}

/** A reader of seconds above 0, fractions included. */
export function seconds(max: number) {
  return (text: string): number => {
    const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (number > 0 && number <= max) return number;
    throw new InvalidArgumentError(`Give seconds above 0, up to ${max}.`);
  };
}

const MS_BY_UNIT: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** Reads a time with its unit, such as `10m`; a number alone is seconds. Returns ms. */
export function durationMs(text: string): number {
  const [, number = '', unit = 's'] = /^(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)?$/.exec(text) ?? [];
  const factor = number === '' ? undefined : MS_BY_UNIT[unit];
  if (factor !== undefined) return Number(number) * factor;
  throw new InvalidArgumentError('Give a time such as 30s, 10m, 2h or 1d.');
}
