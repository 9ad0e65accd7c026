/** Boards, plugged, pulled and started anew in any order, compared with what they really are. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseUsbRecord, type UsbMember } from '../../../src/gateway/state/usb-record.js';
import { assign, mismatchOf, type Assignment } from '../../../src/gateway/usb/assign.js';
import type { UsbPort } from '../../../src/transport/usb/ports.js';

interface Board {
  readonly vendorId: string;
  readonly productId: string;
  readonly serialNumber: string | undefined;
  readonly interfaces: readonly number[];
}

const BOOT_LOADER = '0003';
const PLACES = ['p1', 'p2', 'p3', 'p4', 'p5'];

const board: fc.Arbitrary<Board> = fc.record({
  vendorId: fc.constantFrom('2e8a', '0403'),
  productId: fc.constantFrom('000a', '0005'),
  serialNumber: fc.constantFrom(undefined, 'A', 'B', 'C', '__proto__', 'p1', 'A-if02'),
  interfaces: fc.constantFrom([0], [0, 2]),
});
const step = fc.record({
  which: fc.nat(),
  what: fc.constantFrom('move', 'pull', 'boot', 'restart'),
  where: fc.nat(),
  backwards: fc.boolean(),
});

/** Where a board is, and whether its boot loader runs. */
interface Plugged {
  readonly place: string;
  readonly boots: boolean;
}

/** Boards, plugged in and what they say of themselves. */
class Bench {
  readonly #plugged = new Map<Board, Plugged>();

  constructor(readonly boards: readonly Board[]) {}

  act({ which, what, where }: { which: number; what: string; where: number }): void {
    const one = this.boards[which % this.boards.length];
    if (one === undefined) return;
    const now = this.#plugged.get(one);
    const taken = [...this.#plugged].filter(([other]) => other !== one).map(([, at]) => at.place);
    const free = PLACES.filter((place) => !taken.includes(place));
    const place = free[where % free.length] ?? '';
    if (what === 'move') this.#plugged.set(one, { place, boots: false });
    else if (what === 'pull') this.#plugged.delete(one);
    else if (what === 'boot' && now !== undefined) {
      this.#plugged.set(one, { ...now, boots: !now.boots });
    }
  }

  ports(): Map<UsbPort, Board> {
    const entries = [...this.#plugged].flatMap(([one, { place, boots }]) =>
      one.interfaces.map((interfaceNumber) => {
        const { vendorId, serialNumber } = one;
        const productId = boots ? BOOT_LOADER : one.productId;
        const usb = { vendorId, productId, interfaceNumber, place };
        const number = serialNumber === undefined ? {} : { serialNumber };
        return [{ path: '/dev/ttyACM0', usb: { ...usb, ...number } }, one] as const;
      }),
    );
    return new Map(entries);
  }

  /** Whether a board's number says who it is. */
  isUnique(one: Board): boolean {
    const same = (other: Board): boolean =>
      other.serialNumber === one.serialNumber && other.vendorId === one.vendorId;
    return one.serialNumber !== undefined && this.boards.filter(same).length === 1;
  }
}

const nameOf = ({ ports }: Assignment, port: UsbPort): string | undefined =>
  [...ports].find(([, one]) => one === port)?.[0];

it('no board gets the link of another board, or of another place', () => {
  const boards = fc.array(board, { minLength: 1, maxLength: 4 });
  const steps = fc.array(step, { minLength: 1, maxLength: 25 });
  fc.assert(
    fc.property(boards, steps, (all, acts) => {
      const bench = new Bench(all);
      const names = new Map<string, string>();
      const owners = new Map<string, string>();
      let known: readonly UsbMember[] = [];
      for (const act of acts) {
        bench.act(act);
        if (act.what === 'restart') {
          const file: unknown = JSON.parse(JSON.stringify({ boards: known }));
          known = parseUsbRecord(file)?.['boards'] ?? [];
        }
        const ports = bench.ports();
        const present = [...ports.keys()];
        const assignment = assign('boards', known, act.backwards ? present.reverse() : present);
        expect(assignment.ports.size).toBe(ports.size);
        expect(assignment.members.map(({ name }) => name)).toEqual(
          expect.arrayContaining(known.map(({ name }) => name)),
        );
        for (const [port, one] of ports) {
          const name = nameOf(assignment, port) ?? '';
          const before = known.find((member) => member.name === name);
          if (before?.byPlace === true) expect(port.usb.place).toBe(before.place);
          const after = assignment.members.find((member) => member.name === name);
          const isOther =
            before !== undefined &&
            (before.vendorId !== one.vendorId ||
              (one.serialNumber === undefined && before.productId !== port.usb.productId));
          if (isOther && after !== undefined) expect(mismatchOf(after, port)).toBeDefined();
          const who = `${String(all.indexOf(one))} ${String(port.usb.interfaceNumber)}`;
          if (!bench.isUnique(one)) {
            expect(owners.has(name)).toBe(false);
            continue;
          }
          expect(names.get(who) ?? name).toBe(name);
          expect(owners.get(name) ?? who).toBe(who);
          names.set(who, name);
          owners.set(name, who);
        }
        known = assignment.members;
      }
    }),
    { numRuns: 1_500 },
  );
});

it('a file in which two devices have one name is not loaded', () => {
  const usb = { vendorId: '2e8a', productId: '000a', interfaceNumber: 0 };
  const one = (place: string) => ({ path: '/dev/ttyACM0', usb: { ...usb, place } });
  const [first, second] = assign('boards', [], [one('p1'), one('p2')]).members;
  expect(parseUsbRecord({ boards: [first, second] })).toBeDefined();
  expect(parseUsbRecord({ boards: [first, { ...second, name: first?.name }] })).toBeUndefined();
});
