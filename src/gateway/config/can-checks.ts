/** Checks of CAN links that need more than one key. */
import { ISO_TP_CLASSIC_LENGTH } from '../../framing/framings.js';
import { MAX_STANDARD_ID } from '../../transport/frame.js';
import { groupAt, has, textAt, type ConfigProblem, type Group, type Placed } from './parts.js';

/**
 * Problems of links of type `can`: identifiers that two of them share, keys that do not go
 * together, frames that do not fit.
 */
export function canProblems(links: readonly Placed[]): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const ids = new Map<string, number>();
  const bare = new Map<string, { readonly index: number; readonly hasAddress: boolean }>();
  links.forEach(({ link }, index) => {
    const transport = groupAt(link, 'transport');
    if (transport.type !== 'can') return;
    const add = (key: string, message: string): void => {
      const path = ['links', index, 'transport', ...key.split('.')];
      problems.push({ path, message });
    };
    keyProblems(transport, add);
    const isotp = groupAt(transport, 'isotp');
    for (const [key, address] of [
      ['rxId', 'rxAddress'],
      ['txId', 'txAddress'],
    ] as const) {
      const id = idAt(transport, key);
      const name = textAt(transport, 'interface');
      if (id === undefined || name === undefined) continue;
      const hasAddress = has(isotp, address);
      const other = bare.get([name, id, key].join(' '));
      if (other === undefined) bare.set([name, id, key].join(' '), { index, hasAddress });
      else if (other.hasAddress !== hasAddress) {
        const message =
          `is also the ${key} of links[${other.index}], which has ${hasAddress ? 'no addresses' : 'addresses'}: ` +
          'one of them would take the address of a frame for data; give addresses to both, or identifiers of their own';
        add(key, message);
        continue;
      }
      // Several devices may share an identifier if each has its own ISO-TP address.
      const taken = [name, id, isotp[address]].join(' ');
      const first = ids.get(`${taken} ${key}`);
      if (first === undefined) ids.set(`${taken} ${key}`, index);
      else
        add(key, `is also the ${key} of links[${first}]; each device needs identifiers of its own`);
      const wayBack = key === 'rxId' ? 'txId' : 'rxId';
      const sender = ids.get(`${taken} ${wayBack}`);
      // keyProblems() has reported two equal identifiers of one link.
      if (sender === undefined || sender === index) continue;
      const message =
        `is also the ${wayBack} of links[${sender}]; an identifier has one sender: ` +
        'give each device identifiers of its own';
      add(key, message);
    }
    const { maxFrameLength } = link;
    const classic = transport.framing === 'isotp' && transport.fd !== true;
    if (classic && typeof maxFrameLength === 'number' && maxFrameLength > ISO_TP_CLASSIC_LENGTH) {
      problems.push({
        path: ['links', index, 'maxFrameLength'],
        message: `is more than ISO-TP carries without fd; give ${ISO_TP_CLASSIC_LENGTH} or less`,
      });
    }
  });
  return problems;
}

/** A message that a link of type `can-signals` sends. */
export interface SentMessage {
  readonly link: Placed;
  /** Its index in `transmit`. */
  readonly at: number;
  readonly id: number;
  readonly extended: boolean;
}

/** Links that send the same identifier: two senders of one identifier disturb each other and the bus. */
export function senderProblems(
  links: readonly Placed[],
  sent: readonly SentMessage[],
): ConfigProblem[] {
  const senders = new Map<string, { readonly who: string; readonly index: number }>();
  links.forEach(({ link }, index) => {
    const transport = groupAt(link, 'transport');
    if (transport.type !== 'can') return;
    for (const key of ['txId', 'rxId'] as const) {
      const id = idAt(transport, key);
      if (id === undefined) continue;
      const who = `the ${key} of links[${index}]`;
      senders.set([transport.interface, id].join(' '), { who, index });
    }
  });
  return sent.flatMap(({ link: { link, path }, at, id, extended }) => {
    const sender = [groupAt(link, 'transport').interface, id, extended ? 29 : 11].join(' ');
    const [, index] = path;
    const other = senders.get(sender) ?? { who: `sent by links[${index}]`, index };
    senders.set(sender, other);
    if (other.index === index) return [];
    const message =
      `has the identifier 0x${id.toString(16)}, which is also ${other.who}; ` +
      'an identifier has one sender: take it out, or change the other';
    return [{ path: [...path, 'transport', 'transmit', at], message }];
  });
}

function keyProblems(transport: Group, add: (key: string, message: string) => void): void {
  const isotp = groupAt(transport, 'isotp');
  const sameId = idAt(transport, 'rxId') === idAt(transport, 'txId');
  if (sameId && idAt(transport, 'rxId') !== undefined && isotp.rxAddress === isotp.txAddress) {
    add('rxId', 'is the same as txId; the two directions need identifiers of their own');
  }
  if (transport.bitRateSwitch === true && transport.fd !== true) {
    add('bitRateSwitch', 'needs fd: true; classic frames have one bit rate');
  }
  if (has(transport, 'isotp') && transport.framing !== 'isotp') {
    add('isotp', 'needs framing: isotp beside it');
  }
  for (const [key, other] of [
    ['txAddress', 'rxAddress'],
    ['rxAddress', 'txAddress'],
  ] as const) {
    if (has(isotp, key) && !has(isotp, other)) add(`isotp.${key}`, `needs ${other} beside it`);
  }
  if (typeof isotp.frameLength === 'number' && isotp.frameLength > 8 && transport.fd !== true) {
    add('isotp.frameLength', 'needs fd: true; classic frames have 8 bytes at most');
  }
}

/** An identifier with its width: 123 with 11 bits and 123 with 29 bits are different identifiers. */
function idAt(transport: Group, key: 'rxId' | 'txId'): string | undefined {
  const id = transport[key];
  if (typeof id !== 'number') return undefined;
  return `${id} ${transport.extendedIds === true || id > MAX_STANDARD_ID ? 29 : 11}`;
}
