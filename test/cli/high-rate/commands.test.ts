/** `watch --high-rate` and `record`, the built program: a simulated device, the gateway, its own NATS. */
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Cli, runCli } from '../../support/cli.js';
import { tempDir } from '../../support/temp-dir.js';

const PROFILE =
  'highRate: [{type: vib, key: x, samplesPerSecond: 10000, samplesPerPacket: 200, ' +
  'waveform: triangle, amplitude: 2, offset: 1, periodMs: 10}]';

async function plant(): Promise<{ folder: string; file: string; daemon: Cli }> {
  const folder = tempDir();
  const file = join(folder, 'gateway.yaml');
  const path = join(folder, 'port');
  writeFileSync(join(folder, 'profile.yaml'), PROFILE);
  const links = [{ name: 'pump', transport: { type: 'serial', path } }];
  writeFileSync(file, JSON.stringify({ nats: { embedded: true }, links }));
  const sim = new Cli(['sim', '--pty', path, '--profile', join(folder, 'profile.yaml')]);
  await sim.said(/port/, 'stdout');
  const daemon = new Cli(['run', '-c', file]);
  await daemon.said(/connected to NATS/);
  await sim.said(/opened the line/);
  return { folder, file, daemon };
}

describe('samples of a simulated device', () => {
  it('are shown each second, and recorded until the time is over or Ctrl-C', async () => {
    const { folder, file, daemon } = await plant();
    const watch = new Cli(['watch', 'pump', '--high-rate', '--json', '-c', file]);
    const [line] = await watch.said(/^.*"samplesPerSecond":(?!0,).*$/m, 'stdout');
    const shown = JSON.parse(line) as Record<string, number>;
    expect(shown).toMatchObject({ link: 'pump', type: 'vib', key: 'x', periodNs: 100_000 });
    expect(shown['min']).toBeGreaterThanOrEqual(-1);
    expect(shown['max']).toBeLessThanOrEqual(3);
    watch.child.kill('SIGINT');

    const csv = join(folder, 'a.csv');
    const timed = new Cli(['record', 'pump', 'vib/x', '-o', csv, '--seconds', '0.5', '-c', file]);
    const wav = join(folder, 'a.wav');
    const endless = new Cli(['record', 'pump', 'vib/x', '-o', wav, '-c', file]);
    const full = join(folder, 'full.csv');
    symlinkSync('/dev/full', full);
    const failing = new Cli(['record', 'pump', 'vib/x', '-o', full, '-c', file]);
    await endless.said(/the first sample/);
    expect(await timed.ended).toBe(0);
    expect(timed.stderr).toMatch(/samples in 0\.5 s/);
    expect(readFileSync(csv, 'utf8')).toMatch(/^time,value\n\d{4}-.*Z,-?\d/);
    expect(await failing.ended).toBe(1);
    expect(failing.stderr).toMatch(/full\.csv cannot be written: the disk is full; make room/);
    endless.child.kill('SIGINT');
    expect(await endless.ended).toBe(0);
    const bytes = readFileSync(wav);
    expect([bytes.readUInt32LE(24), bytes.readUInt32LE(4)]).toEqual([10_000, bytes.length - 8]);
    expect(bytes.length).toBeGreaterThan(56);
    expect(await watch.ended).toBe(0);
    daemon.child.kill('SIGTERM');
    expect(await daemon.ended).toBe(0);
  });

  it.each([
    [['record', 'pump', 'vib/x', '-o', 'a.txt'], /\.csv or \.wav/],
    [['record', 'pump', 'vib', '-o', 'a.csv', '--fill'], /--fill is for \.wav/],
    [['record', 'pump', 'vib', '-o', 'runs/a.csv'], /make the folder runs/],
    [['watch', '--high-rate'], /needs the name of a link/],
  ])('%j is refused', async (args, message) => {
    const { status, stderr } = await runCli(args, { cwd: tempDir() });
    expect(status).toBe(2);
    expect(stderr).toMatch(message);
  });
});
