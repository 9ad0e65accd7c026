/** Attributes of elements in KCD files. */
import { parseDecimal, type Decimal } from './decimal.js';

/** An attribute is missing or wrong; the message names it. */
export class AttributeError extends Error {
  override readonly name = 'AttributeError';
}

/** The attributes of an element. All methods throw an {@link AttributeError}; `undefined`: there is no such attribute. */
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

  /** 0 or more, decimal or as 0x…. */
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

  /** The code of a signal, which may be negative. */
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
