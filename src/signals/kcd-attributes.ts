/** The attributes of KCD's elements. */
import { parseDecimal, type Decimal } from './decimal.js';

/** An attribute of an element that is missing or cannot be read; the message says which. */
export class AttributeError extends Error {
  override readonly name = 'AttributeError';
}

/** Reads the attributes of one element. All throw an {@link AttributeError}. */
export class Attributes {
  constructor(private readonly values: Readonly<Record<string, string>>) {}

  text(name: string): string | undefined {
    return Object.hasOwn(this.values, name) ? this.values[name] : undefined;
  }

  required(name: string): string {
    const text = this.text(name);
    if (text !== undefined && text !== '') return text;
    throw new AttributeError(`${name} is missing`);
  }

  /** 0 or more, in decimal or as 0x…. */
  integer(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = /^\s*(0x[0-9a-f]+|\d+)\s*$/i.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(number)) return number;
    throw new AttributeError(`${name} is ${JSON.stringify(text)}; give a whole number`);
  }

  requiredInteger(name: string): number {
    this.required(name);
    return this.integer(name) ?? 0;
  }

  /** A code, which may be negative. */
  requiredCode(name: string): bigint {
    const text = this.required(name).trim();
    if (/^[+-]?\d{1,200}$/.test(text)) return BigInt(text.replace(/^\+/, ''));
    throw new AttributeError(`${name} is ${JSON.stringify(text)}; give a whole number`);
  }

  decimal(name: string): Decimal | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const decimal = parseDecimal(text.trim());
    if (decimal !== undefined) return decimal;
    throw new AttributeError(`${name} is ${JSON.stringify(text)}; give a number`);
  }

  choice<const T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const text = this.text(name);
    const found = allowed.find((one) => one === text);
    if (found !== undefined || text === undefined) return found;
    throw new AttributeError(`${name} is ${JSON.stringify(text)}; give ${allowed.join(' or ')}`);
  }
}
