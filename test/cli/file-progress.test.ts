import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { FileProgressOutput } from '../../src/cli/file-progress.js';
import type { FileProgress } from '../../src/session/files/file.js';

function shown({ isTTY, json = false }: { isTTY: boolean; json?: boolean }) {
  let text = '';
  const write = (piece: string | Uint8Array): boolean => {
    text += String(piece);
    return true;
  };
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation(write);
  onTestFinished(() => spy.mockRestore());
  vi.stubEnv('TERM', 'xterm');
  onTestFinished(() => void vi.unstubAllEnvs());
  const at = { ms: 0 };
  const stream = { isTTY, columns: 80, write } as unknown as NodeJS.WriteStream;
  const output = new FileProgressOutput('pump', json, stream, () => at.ms);
  const progress = (ms: number, bytes: number, more: Partial<FileProgress> = {}): void => {
    at.ms = ms;
    output.progress({ name: 'fw.bin', bytes, of: 100_000, state: 'sending', ...more });
  };
  const end = (state: FileProgress['state']): void =>
    output.end({ name: 'fw.bin', bytes: 100_000, of: 100_000, state });
  return { output, progress, end, text: () => text };
}

describe('the progress of a file', () => {
  it('is a bar on a terminal, with bytes, rate and time left', () => {
    const { output, progress, end, text } = shown({ isTTY: true });
    output.given(50_000, 100_000);
    progress(0, 0);
    progress(2_000, 25_000);
    progress(2_500, 25_000, { reason: 'block 62 was sent 11 times' });
    end('done');
    const lines = text().split('\r\x1b[2K');
    expect(lines).toEqual([
      '',
      'to the gateway: 50.0 kB of 100.0 kB',
      `[${'-'.repeat(24)}] 0 %, 0 B of 100.0 kB`,
      `[${'#'.repeat(6)}${'-'.repeat(18)}] 25 %, 25.0 kB of 100.0 kB, 12.5 kB/s, 6 s left`,
      // No wider than the terminal, whose last column stays free.
      `[${'#'.repeat(6)}${'-'.repeat(18)}] 25 %, 25.0 kB of 100.0 kB, 10.0 kB/s, 7 s left, bloc\npump has fw.bin, 100.0 kB\n`,
    ]);
  });

  it('is a line at most each second in a pipe, when something has changed', () => {
    const { progress, end, text } = shown({ isTTY: false });
    progress(0, 0);
    progress(500, 5_000);
    progress(1_500, 30_000);
    progress(3_000, 30_000);
    progress(5_000, 0, { reason: 'it begins when the device is there' });
    end('aborted');
    expect(text().split('\n')).toEqual([
      'fw.bin to pump: 0 %, 0 B of 100.0 kB',
      'fw.bin to pump: 30 %, 30.0 kB of 100.0 kB, 20.0 kB/s, 3 s left',
      'fw.bin to pump: 0 %, 0 B of 100.0 kB, it begins when the device is there',
      'pump gets no more of fw.bin',
      '',
    ]);
  });

  it('is a line of JSON for each step, and for the end', () => {
    const { progress, end, text } = shown({ isTTY: true, json: true });
    progress(0, 0);
    progress(200, 400);
    progress(300, 400, { state: 'failed', error: 'gone' });
    end('failed');
    expect(text().split('\n')).toEqual([
      '{"bytes":0,"of":100000,"state":"sending"}',
      '{"bytes":400,"of":100000,"state":"failed","error":"gone"}',
      '',
    ]);
  });
});
