import { describe, expect, it } from 'vitest';
import { MOST_MEMBERS, assign, mismatchOf } from '../../../src/gateway/usb/assign.js';
import type { UsbPort } from '../../../src/transport/usb/ports.js';
import type { UsbMember } from '../../../src/gateway/state/usb-record.js';

const port = (
  place: string,
  serialNumber?: string,
  more: Partial<UsbPort['usb']> & { path?: string } = {},
): UsbPort => {
  const { path = '/dev/ttyACM0', ...usb } = more;
  const ids = { vendorId: '2e8a', productId: '000a', interfaceNumber: 0, place };
  return { path, usb: { ...ids, ...(serialNumber === undefined ? {} : { serialNumber }), ...usb } };
};

const nameAt = (ports: ReadonlyMap<string, UsbPort>, place: string): string | undefined =>
  [...ports].find(([, { usb }]) => usb.place === place)?.[0];

/** The assignment after each of several scans. */
function looks(...times: UsbPort[][]) {
  let known: readonly UsbMember[] = [];
  return times.map((present) => {
    const assignment = assign('boards', known, present);
    known = assignment.members;
    return assignment;
  });
}

describe('a device', () => {
  it('with a serial number keeps its name wherever it is plugged in, under whatever path', () => {
    const [, second] = looks(
      [port('p1', 'A'), port('p2', 'B', { path: '/dev/ttyACM1' })],
      [port('p1', 'B'), port('p2', 'A', { path: '/dev/ttyACM1' })],
    );
    expect(nameAt(second?.ports ?? new Map(), 'p2')).toBe('boards-A');
    expect(nameAt(second?.ports ?? new Map(), 'p1')).toBe('boards-B');
  });

  it('without a serial number is known by its place', () => {
    const [first, second] = looks([port('p1')], [port('p2')]);
    expect([...(first?.ports.keys() ?? [])]).toEqual(['boards-p1']);
    expect([...(second?.ports.keys() ?? [])]).toEqual(['boards-p2']);
    expect(second?.members.map(({ name }) => name)).toEqual(['boards-p1', 'boards-p2']);
  });

  it('with a serial number that equals the place of another has its own name, and so has the other', () => {
    const [numbered, placed] = [port('p9', 'p1'), port('p1')];
    for (const present of [
      [numbered, placed],
      [placed, numbered],
    ]) {
      const { ports, members } = assign('boards', [], present);
      expect([...ports.values()].map(({ usb }) => usb.place).sort()).toEqual(['p1', 'p9']);
      expect(members).toHaveLength(2);
    }
  });

  it('has a link for each of its interfaces, whichever comes first', () => {
    const [assignment] = looks([port('p1', 'A', { interfaceNumber: 2 }), port('p1', 'A')]);
    expect([...(assignment?.ports.keys() ?? [])]).toEqual(['boards-A-if02', 'boards-A']);
    expect(assignment?.duplicates).toEqual([]);
  });

  it('with unusual characters in its texts has a safe name of its own', () => {
    const [assignment] = looks([
      port('p1', 'a b\u001b[2J'),
      port('p2', 'a_b\u001b[2J'),
      port('p3', 'x'.repeat(500)),
    ]);
    const names = [...(assignment?.ports.keys() ?? [])];
    expect(new Set(names).size).toBe(3);
    for (const name of names) expect(name).toMatch(/^boards-[A-Za-z0-9_.:+-]{1,60}$/);
  });
});

describe('two devices with one serial number', () => {
  it('are told apart by place from then on, which is reported once', () => {
    const [, both, later] = looks(
      [port('p1', 'A')],
      [port('p1', 'A'), port('p2', 'A')],
      [port('p1', 'A'), port('p2', 'A')],
    );
    expect(nameAt(both?.ports ?? new Map(), 'p1')).toBe('boards-A');
    expect(nameAt(both?.ports ?? new Map(), 'p2')).toBe('boards-A@p2');
    expect(both?.duplicates).toEqual(['A']);
    expect(later?.duplicates).toEqual([]);
  });

  it('do not take each other’s name when one is pulled', () => {
    const [, , alone, moved] = looks(
      [port('p1', 'A')],
      [port('p1', 'A'), port('p2', 'A')],
      [port('p2', 'A')],
      [port('p3', 'A')],
    );
    expect([...(alone?.ports.keys() ?? [])]).toEqual(['boards-A@p2']);
    expect([...(moved?.ports.keys() ?? [])]).toEqual(['boards-A@p3']);
  });

  it('are both named by place when neither was first', () => {
    const [both] = looks([port('p1', 'A'), port('p2', 'A')]);
    expect([...(both?.ports.keys() ?? [])]).toEqual(['boards-A@p1', 'boards-A@p2']);
  });
});

describe('one serial number with other IDs', () => {
  const FTDI = { vendorId: '0403', productId: '6001' };
  const BOOT = { productId: '0003' };
  const namesOf = (assignment: { ports: ReadonlyMap<string, UsbPort> } | undefined): string[] => [
    ...(assignment?.ports.keys() ?? []),
  ];

  it('of another vendor is another board, also where the first one was, and stays so', () => {
    const [, other, back, both] = looks(
      [port('p1', '0001')],
      [port('p1', '0001', FTDI)],
      [port('p2', '0001')],
      [port('p1', '0001'), port('p2', '0001', FTDI)],
    );
    expect(namesOf(other)).toEqual(['boards-0001@0403:6001']);
    expect(other?.conflicts).toEqual([{ name: 'boards-0001@0403:6001', other: 'boards-0001' }]);
    expect(namesOf(back)).toEqual(['boards-0001']);
    expect(nameAt(both?.ports ?? new Map(), 'p1')).toBe('boards-0001');
    expect(nameAt(both?.ports ?? new Map(), 'p2')).toBe('boards-0001@0403:6001');
    expect(both?.duplicates).toEqual([]);
    expect(both?.conflicts).toEqual([]);
  });

  it('of two vendors at a time gives names that do not depend on their order', () => {
    const a = port('p1', '0001');
    const b = port('p2', '0001', FTDI);
    const names = ['boards-0001@2e8a:000a', 'boards-0001@0403:6001'];
    expect(namesOf(looks([a, b])[0])).toEqual(names);
    expect(namesOf(looks([b, a])[0])).toEqual([...names].reverse());
  });

  it('and another product in the board’s place is its boot loader, and so known in other places', () => {
    const [, boot, back, moved] = looks(
      [port('p1', 'A')],
      [port('p1', 'A', BOOT)],
      [port('p1', 'A')],
      [port('p2', 'A', BOOT)],
    );
    expect(namesOf(boot)).toEqual(['boards-A']);
    expect(boot?.conflicts).toEqual([]);
    expect(namesOf(back)).toEqual(['boards-A']);
    expect(namesOf(moved)).toEqual(['boards-A']);
  });

  it('and another product elsewhere is another board', () => {
    const [, other, back] = looks(
      [port('p1', 'A')],
      [port('p2', 'A', BOOT)],
      [port('p1', 'A', BOOT), port('p2', 'A')],
    );
    expect(namesOf(other)).toEqual(['boards-A@2e8a:0003']);
    expect(nameAt(back?.ports ?? new Map(), 'p1')).toBe('boards-A@2e8a:0003');
    expect(nameAt(back?.ports ?? new Map(), 'p2')).toBe('boards-A');
  });

  it('and another product beside it is another board, even if it was taken for its boot loader before', () => {
    const [, taken, both, alone] = looks(
      [port('p1', 'A')],
      [port('p1', 'A', BOOT)],
      [port('p1', 'A', BOOT), port('p2', 'A')],
      [port('p2', 'A', BOOT)],
    );
    expect(namesOf(taken)).toEqual(['boards-A']);
    expect(nameAt(both?.ports ?? new Map(), 'p1')).toBe('boards-A@2e8a:0003');
    expect(nameAt(both?.ports ?? new Map(), 'p2')).toBe('boards-A');
    expect(namesOf(alone)).toEqual(['boards-A@2e8a:0003']);
  });

  it('and a product ID that a board once had does not take the link of a board that is still there', () => {
    const LATER = { productId: '0005' };
    const both = looks(
      [port('p2', 'A')],
      [port('p2', 'A', LATER)],
      [port('p2', 'A', BOOT)],
      [port('p1', 'A', LATER), port('p2', 'A', BOOT)],
    ).at(-1);
    expect(nameAt(both?.ports ?? new Map(), 'p2')).toBe('boards-A');
    expect(nameAt(both?.ports ?? new Map(), 'p1')).toBe('boards-A@2e8a:0005');
  });

  it('is not enough for two of one kind, which are known by place; another vendor’s is not affected', () => {
    const [, , mixed, boot] = looks(
      [port('p3', 'A', FTDI)],
      [port('p1', 'A'), port('p2', 'A')],
      [port('p1', 'A', FTDI), port('p2', 'A')],
      [port('p2', 'A', BOOT)],
    );
    expect(nameAt(mixed?.ports ?? new Map(), 'p1')).toBe('boards-A');
    expect(nameAt(mixed?.ports ?? new Map(), 'p2')).toBe('boards-A@p2');
    // The boot loader of the one that is known by its place.
    expect(namesOf(boot)).toEqual(['boards-A@p2']);
  });

  it('is not enough for two of one kind, whatever products they report, but it is for a third one', () => {
    const [, , boots, third] = looks(
      [port('p3', 'A', { productId: '0005' })],
      [port('p1', 'A'), port('p2', 'A')],
      [port('p4', 'A', BOOT)],
      [port('p5', 'A', BOOT), port('p6', 'A', { productId: '0005' })],
    );
    expect(namesOf(boots)).toEqual(['boards-A@p4']);
    expect(nameAt(third?.ports ?? new Map(), 'p5')).toBe('boards-A@p5');
    expect(nameAt(third?.ports ?? new Map(), 'p6')).toBe('boards-A');
  });

  it('keeps its name from a file that has no other products', () => {
    const known: UsbMember = {
      name: 'boards-A',
      serialNumber: 'A',
      interfaceNumber: 0,
      place: 'p1',
      byPlace: false,
      vendorId: '2e8a',
      productId: '000a',
    };
    const { ports, members } = assign('boards', [known], [port('p2', 'A')]);
    expect(namesOf({ ports })).toEqual(['boards-A']);
    expect(members).toEqual([{ ...known, place: 'p2' }]);
  });
});

describe('another board in a place', () => {
  const of = (...times: UsbPort[][]): string | undefined => {
    const assignment = looks(...times).at(-1);
    const [name, now] = [...(assignment?.ports ?? [])][0] ?? [];
    const member = assignment?.members.find((one) => one.name === name);
    return member === undefined || now === undefined ? undefined : mismatchOf(member, now);
  };

  it('is a mismatch if it differs and only the place identifies it', () => {
    expect(of([port('p1')], [port('p1', undefined, { productId: '0005' })])).toContain('2e8a:0005');
    expect(of([port('p1')], [port('p1', undefined, { vendorId: '0403' })])).toContain('0403:000a');
    expect(of([port('p1')], [], [port('p1')])).toBeUndefined();
  });

  it('is no mismatch if its serial number identifies it: a boot loader has other IDs', () => {
    expect(of([port('p1', 'A')], [port('p1', 'A', { productId: '0003' })])).toBeUndefined();
  });
});

it('a bounded number of devices gets links, and no more', () => {
  const many = Array.from({ length: MOST_MEMBERS + 2 }, (_, i) => port(`p${String(i)}`));
  const [assignment, again] = looks(many, many);
  expect(assignment?.members.length).toBe(MOST_MEMBERS);
  expect(assignment?.refused.length).toBe(2);
  expect(again?.ports.size).toBe(MOST_MEMBERS);
});
