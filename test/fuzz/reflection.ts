/** The .proto files as protobufjs reads them at run time: a second way to the same messages. */
import { readFileSync } from 'node:fs';
import protobuf from 'protobufjs';
import { inCheckout } from './checkout.js';

export interface ReflectedPoint {
  readonly type: string;
  readonly key: string;
  readonly time: unknown;
  readonly value: number;
  readonly text: string;
  readonly tombstone: number;
  readonly origin: string;
  readonly data: Uint8Array;
  readonly dataType: number;
}

export const protoText = (name: 'serial' | 'siot'): string =>
  readFileSync(inCheckout('proto', `${name}.proto`), 'utf8');

/** `undefined`: it does not decode. All members are there, at their default if they are not in the message. */
export type Reader<T> = (payload: Uint8Array) => T | undefined;

export function reader<T>(proto: string, type: string): Reader<T> {
  const { root } = protobuf.parse(proto, { keepCase: true });
  const message = root.lookupType(type);
  return (payload) => {
    try {
      const decoded = message.decode(payload);
      return message.toObject(decoded, { defaults: true, longs: String, arrays: true }) as T;
    } catch {
      return undefined;
    }
  };
}
