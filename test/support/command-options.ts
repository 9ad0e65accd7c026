/** Readers for the options that the long-running checks (fuzz, soak) share. */
import { InvalidArgumentError } from 'commander';

/** Above 0, up to a day. */
export function minutes(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1440) return value;
  throw new InvalidArgumentError('a number above 0, up to 1440');
}

/** 32 bits. */
export function seedOf(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 0xffff_ffff) return value;
  throw new InvalidArgumentError('a whole number from 0 to 4294967295');
}
