import { describe, expect, it } from 'vitest';
import { LogRing } from '../../../src/session/node/log-ring.js';
import { FakeClock } from '../../support/fake-clock.js';

const ALL = 1_000_000;

function rig(most = 10) {
  const clock = new FakeClock();
  const limit = { most };
  const ring = new LogRing(() => limit.most, clock);
  const texts = (): string[] => ring.read({}, ALL).lines.map(({ line }) => line.text);
  return { clock, ring, limit, texts };
}

describe('the ring of log lines', () => {
  it('keeps the newest, with the gateway’s time, however many come', () => {
    const { ring, clock, texts } = rig();
    for (let n = 1; n <= 1_000; n++) {
      ring.add(`line ${n}`);
      clock.advance(1);
    }
    expect(texts()).toEqual(Array.from({ length: 10 }, (_, at) => `line ${991 + at}`));
    const { lines } = ring.read({}, ALL);
    expect((lines.at(-1)?.line.ns ?? 0n) - (lines[0]?.line.ns ?? 0n)).toBe(9_000_000n);
  });

  it('is limited in characters as well', () => {
    const { ring } = rig(100_000);
    for (let n = 0; n < 10_000; n++) ring.add('x'.repeat(4_096));
    expect(ring.length).toBeGreaterThan(200);
    expect(ring.length * 4_096).toBeLessThan(1_048_576);
  });

  it('follows another limit, also none at all', () => {
    const { ring, limit, texts } = rig();
    for (let n = 0; n < 10; n++) ring.add(String(n));
    limit.most = 3;
    ring.add('last');
    expect(texts()).toEqual(['8', '9', 'last']);
    limit.most = 0;
    ring.add('nothing');
    expect(texts()).toEqual([]);
  });

  it('says to a reader how many lines were lost since they read last', () => {
    const { ring } = rig();
    ring.add('a\nb\nc');
    const first = ring.read({}, 2);
    expect(first).toMatchObject({ next: 2, lost: 0 });
    for (let n = 0; n < 20; n++) ring.add(String(n));
    const second = ring.read({ from: first.next }, ALL);
    // Of c and 20 numbers the last 10 are there.
    expect(second.lost).toBe(11);
    expect(second.lines.map(({ line }) => line.text)).toEqual(
      Array.from({ length: 10 }, (_, at) => String(10 + at)),
    );
    expect(ring.read({ from: second.next }, ALL)).toEqual({ lines: [], next: 23, lost: 0 });
  });

  it('selects by level and by age, and goes on behind what it left out', () => {
    const { ring, clock } = rig();
    ring.add('E (1) a: old');
    clock.advance(60_000);
    const sinceNs = clock.wallNs();
    ring.add('I (2) a: fine');
    ring.add('no level');
    ring.add('W (3) a: weak');
    const { lines, next } = ring.read({ sinceNs, level: 'warn' }, ALL);
    expect(lines.map(({ line }) => line.text)).toEqual(['W (3) a: weak']);
    expect(next).toBe(4);
  });

  it('takes each line of a panic dump for an error, up to the boot banner', () => {
    const { ring } = rig(100);
    const dump = [
      "Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.",
      'Core  0 register dump:',
      'PC      : 0x400d1234  PS      : 0x00060030',
      '================',
      'Backtrace: 0x400d1231:0x3ffb4f50 0x400d0d2c:0x3ffb4f70',
      'Rebooting...',
    ];
    ring.add('pump running');
    for (const line of dump) ring.add(line);
    ring.add('rst:0xc (SW_CPU_RESET),boot:0x13');
    ring.add('I (29) boot: ESP-IDF');
    const errors = ring.read({ level: 'error' }, ALL).lines.map(({ line }) => line.text);
    expect(errors).toEqual(dump);
    expect(ring.dumpWithin(0)).toBe(dump[0]);
    ring.forgetDump();
    expect(ring.dumpWithin(0)).toBeUndefined();
  });

  it('takes no time from a line that is made to take it', () => {
    const { ring } = rig();
    const began = performance.now();
    for (const evil of ['*** '.repeat(1_000), '*'.repeat(4_000), `*** ${'x'.repeat(4_000)}`])
      for (let n = 0; n < 300; n++) ring.add(evil);
    expect(performance.now() - began).toBeLessThan(1_000);
  });

  it('takes Zephyr’s dump for one, whose lines have levels; what comes later is none of it', () => {
    const { ring, clock } = rig(100);
    ring.add('[00:00:12.345,678] <err> os: ***** MPU FAULT *****');
    ring.add('   Data Access Violation');
    ring.add('[00:00:12.345,690] <err> os: r0/a1:  0x00000000  r1/a2:  0x0000000a');
    clock.advance(60_000);
    ring.add('pump running');
    const errors = ring.read({ level: 'error' }, ALL).lines.map(({ line }) => line.text);
    expect(errors).toHaveLength(3);
    expect(ring.dumpWithin(60_000)).toContain('MPU FAULT');
    expect(ring.dumpWithin(59_999)).toBeUndefined();
  });
});
