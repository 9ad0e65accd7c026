/** Options that several commands share, and readers for their values. */
import { InvalidArgumentError, Option } from 'commander';
import { DEFAULT_CONFIG_FILE } from './config-file.js';

export interface ConfigOption {
  readonly config: string;
}

export const configOption = (): Option =>
  new Option('-c, --config <file>', 'configuration file').default(DEFAULT_CONFIG_FILE);

export interface JsonOption {
  readonly json?: true;
}

export const jsonOption = (what: string): Option => new Option('--json', what);

/** A reader of whole numbers in a range, for commander. */
export function wholeNumber(min: number, max: number) {
  return (text: string): number => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
  };
}

/** A reader of seconds above 0, fractions included. */
export function seconds(max: number) {
  return (text: string): number => {
    const number = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (number > 0 && number <= max) return number;
    throw new InvalidArgumentError(`Give seconds above 0, up to ${max}.`);
  };
}
