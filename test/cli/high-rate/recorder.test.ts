import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeHighRate } from '../../../firmware-sim/high-rate.js';
import { CsvFile } from '../../../src/cli/high-rate/csv-file.js';
import { OutputFiles } from '../../../src/cli/high-rate/output-files.js';
import { Recorder } from '../../../src/cli/high-rate/recorder.js';
import type { SampleFile } from '../../../src/cli/high-rate/sample-file.js';
import { WavFile } from '../../../src/cli/high-rate/wav-file.js';
import { tempDir } from '../../support/temp-dir.js';

const START_NS = 1_767_323_045_678_901_234n;
const MS = 1_000_000;

/** Four samples, each the number of its ms. */
const packet = (atMs: number, given: { key?: string; periodNs?: number } = {}): Uint8Array =>
  encodeHighRate({
    type: 'vib',
    key: 'x',
    startNs: START_NS + BigInt(atMs * MS),
    periodNs: MS,
    samples: [0, 1, 2, 3].map((n) => atMs + n),
    ...given,
  });

function rig(
  end: 'csv' | 'wav',
  { fill = false, seconds }: { fill?: boolean; seconds?: number } = {},
) {
  const folder = tempDir();
  const notes: string[] = [];
  let isDone = false;
  let files = 0;
  const path = (number: number): string => join(folder, `${String(number)}.${end}`);
  const recorder = new Recorder(
    'vib',
    'x',
    {
      open: (): SampleFile => {
        const file = path(++files);
        return end === 'csv' ? new CsvFile(file) : new WavFile(file, 1000, fill);
      },
      note: (text) => void notes.push(text),
      done: () => (isDone = true),
    },
    seconds,
  );
  return { recorder, notes, path, isDone: () => isDone };
}

/** What a descriptor of this process is; it may be gone by now. */
function targetOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return undefined;
  }
}

interface Wav {
  readonly rate: number;
  readonly samples: number[];
}

/** As any reader of WAV does: chunk by chunk. */
function readWav(file: string): Wav {
  const bytes = readFileSync(file);
  expect([bytes.toString('latin1', 0, 4), bytes.toString('latin1', 8, 12)]).toEqual([
    'RIFF',
    'WAVE',
  ]);
  expect(bytes.readUInt32LE(4)).toBe(bytes.length - 8);
  let rate = 0;
  const samples: number[] = [];
  for (let at = 12; at < bytes.length;) {
    const id = bytes.toString('latin1', at, at + 4);
    const length = bytes.readUInt32LE(at + 4);
    const from = at + 8;
    if (id === 'fmt ') {
      const format = [0, 2, 12, 14].map((offset) => bytes.readUInt16LE(from + offset));
      expect(format).toEqual([3, 1, 4, 32]);
      rate = bytes.readUInt32LE(from + 4);
      expect(bytes.readUInt32LE(from + 8)).toBe(rate * 4);
    }
    if (id === 'fact') expect(bytes.readUInt32LE(from) * 4).toBe(bytes.length - 56);
    if (id === 'data') {
      for (let n = 0; n < length; n += 4) samples.push(bytes.readFloatLE(from + n));
    }
    at = from + length;
  }
  return { rate, samples };
}

describe('a recording as CSV', () => {
  it('has a line for each sample, to the nanosecond, and a line without a value in a gap', () => {
    const { recorder, notes, path } = rig('csv');
    for (const at of [0, 4, 11]) recorder.take(packet(at));
    recorder.close();
    const lines = readFileSync(path(1), 'utf8').trimEnd().split('\n');
    expect(lines.slice(0, 3)).toEqual([
      'time,value',
      '2026-01-02T03:04:05.678901234Z,0',
      '2026-01-02T03:04:05.679901234Z,1',
    ]);
    expect(lines.slice(8, 11)).toEqual([
      '2026-01-02T03:04:05.685901234Z,7',
      '2026-01-02T03:04:05.686901234Z,',
      '2026-01-02T03:04:05.689901234Z,11',
    ]);
    expect(lines).toHaveLength(1 + 12 + 1);
    expect(notes[1]).toContain('3 samples are missing');
    expect(recorder.recorded).toMatchObject({ samples: 12, gaps: 1, missing: 3, seconds: 0.015 });
  });

  it('goes on in the same file when the rate changes', () => {
    const { recorder, path } = rig('csv');
    recorder.take(packet(0));
    recorder.take(packet(4, { periodNs: 2 * MS }));
    recorder.close();
    expect(existsSync(path(2))).toBe(false);
    expect(readFileSync(path(1), 'utf8')).toContain('05.684901234Z,5');
  });
});

describe('a recording as WAV', () => {
  it('has the samples and the rate, and a right header while it goes on', () => {
    const { recorder, path } = rig('wav');
    recorder.take(packet(0));
    recorder.flush();
    expect(readWav(path(1))).toEqual({ rate: 1000, samples: [0, 1, 2, 3] });
    recorder.take(packet(4));
    recorder.close();
    expect(readWav(path(1)).samples).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('has no gap inside: another file begins, and the note says of when', () => {
    const { recorder, notes, path } = rig('wav');
    for (const at of [0, 11]) recorder.take(packet(at));
    recorder.close();
    expect([readWav(path(1)).samples, readWav(path(2)).samples]).toEqual([
      [0, 1, 2, 3],
      [11, 12, 13, 14],
    ]);
    expect(notes[1]).toContain('to 2026-01-02T03:04:05.689901234Z');
    expect(notes[1]).toContain('another file');
  });

  it('with --fill has 0 in a gap, so that times stay right', () => {
    const { recorder, path } = rig('wav', { fill: true });
    for (const at of [0, 6]) recorder.take(packet(at));
    recorder.close();
    expect(readWav(path(1)).samples).toEqual([0, 1, 2, 3, 0, 0, 6, 7, 8, 9]);
  });

  it('with --fill begins another file all the same where more than a minute is missing', () => {
    const { recorder, path } = rig('wav', { fill: true });
    for (const at of [0, 70_000]) recorder.take(packet(at));
    recorder.close();
    expect(readWav(path(2)).samples).toHaveLength(4);
  });

  it('begins another file when the clock was set back', () => {
    const { recorder, path } = rig('wav');
    for (const at of [100, 0]) recorder.take(packet(at));
    recorder.close();
    expect(readWav(path(2)).samples).toEqual([0, 1, 2, 3]);
  });
});

describe('a recording', () => {
  it('ends by itself after samples of so many seconds, gaps included', () => {
    const { recorder, path, isDone } = rig('csv', { seconds: 0.01 });
    for (const at of [0, 6]) recorder.take(packet(at));
    expect(isDone()).toBe(true);
    recorder.take(packet(10));
    expect(recorder.recorded.samples).toBe(8);
    expect(readFileSync(path(1), 'utf8').trimEnd().split('\n')).toHaveLength(1 + 8 + 1);
  });

  it('leaves out other channels and what cannot be read, and knows their names', () => {
    const { recorder, path } = rig('csv');
    recorder.take(packet(0, { key: 'y' }));
    recorder.take(packet(0, { key: '' }));
    recorder.take(new Uint8Array(20));
    expect([recorder.others, recorder.recorded.samples]).toEqual([['vib', 'vib/y'], 0]);
    expect(existsSync(path(1))).toBe(false);
  });

  it('replaces no file that has something in it, unless it is told to', () => {
    const file = join(tempDir(), 'a.csv');
    const check = (mayReplace: boolean): void => new OutputFiles(file, mayReplace).check();
    check(false);
    writeFileSync(file, '');
    check(false);
    writeFileSync(file, 'measured yesterday');
    expect(() => check(false)).toThrow(/--force/);
    check(true);
  });

  it('takes the next number that is free for its further files', () => {
    const folder = tempDir();
    const all = (mayReplace: boolean): string[] => {
      const outputs = new OutputFiles(join(folder, 'pump.1.wav'), mayReplace);
      return Array.from({ length: 3 }, () => basename(outputs.next()));
    };
    writeFileSync(join(folder, 'pump.1-2.wav'), 'measured yesterday');
    mkdirSync(join(folder, 'pump.1-3.wav'));
    expect(all(false)).toEqual(['pump.1.wav', 'pump.1-4.wav', 'pump.1-5.wav']);
    expect(all(true)).toEqual(['pump.1.wav', 'pump.1-2.wav', 'pump.1-3.wav']);
  });

  it('hears at once of a folder that is not there, and of one in place of the file', () => {
    const folder = tempDir();
    const check = (name: string): void => new OutputFiles(join(folder, name), true).check();
    expect(() => check('runs/a.csv')).toThrow(/does not exist; make the folder .*runs, or give/);
    mkdirSync(join(folder, 'b.csv'));
    expect(() => check('b.csv')).toThrow(/is a folder/);
    writeFileSync(join(folder, 'c'), '');
    expect(() => check('c/a.csv')).toThrow(/not a folder; give a file in another folder/);
  });

  it.each(['csv', 'wav'] as const)(
    'on a full disk leaves no .%s open, and says what to do',
    (end) => {
      const { recorder, path, isDone } = rig(end);
      symlinkSync('/dev/full', path(1));
      const opened = (): number =>
        readdirSync('/proc/self/fd').filter((fd) => targetOf(fd) === '/dev/full').length;
      recorder.take(packet(0));
      expect(opened()).toBe(1);
      expect(() => recorder.flush()).toThrow(/the disk is full; make room there, or give/);
      expect(() => recorder.close()).toThrow(/the disk is full/);
      expect(opened()).toBe(0);
      recorder.close();
      recorder.take(packet(4));
      expect([recorder.recorded.samples, isDone()]).toEqual([4, false]);
    },
  );

  it('says in words why a file cannot be written', () => {
    expect(() => new CsvFile('/nonexistent/a.csv')).toThrow(/cannot be written: /);
    expect(() => new CsvFile('/nonexistent/a.csv')).not.toThrow(/ENOENT/);
  });
});
