/** Checks of CAN links that need more than one key. */
import { ISO_TP_CLASSIC_LENGTH } from '../framing/framings.js';
import {
  groupAt,
  has,
  textAt,
  type ConfigProblem,
  type Group,
  type Placed,
} from './config-parts.js';

const LAST_STANDARD_ID = 0x7ff;

export function canProblems(links: readonly Placed[]): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const ids = new Map<string, number>();
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
      // One identifier may serve several devices that have addresses.
      const taken = [name, id, isotp[address], key].join(' ');
      const first = ids.get(taken);
      if (first === undefined) ids.set(taken, index);
      else
        add(key, `is also the ${key} of links[${first}]; each device needs identifiers of its own`);
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

/** With its width, since 123 of 11 bits and 123 of 29 are two. */
function idAt(transport: Group, key: 'rxId' | 'txId'): string | undefined {
  const id = transport[key];
  if (typeof id !== 'number') return undefined;
  return `${id} ${transport.extendedIds === true || id > LAST_STANDARD_ID ? 29 : 11}`;
}
