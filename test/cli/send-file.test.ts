/** `siot-mcu send-file` as a program, beside a gateway that is killed and started again. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { FileReceiver, machineClock, PtyPipe, SimulatedMcu } from '../../firmware-sim/index.js';
import { Cli, runCli } from '../support/cli.js';
import { tempDir } from '../support/temp-dir.js';

async function site() {
  const folder = tempDir();
  const pipe = await PtyPipe.open({ linkPath: join(folder, 'tty') });
  const mcu = new SimulatedMcu(pipe, { clock: machineClock, protocol: 'compact' });
  onTestFinished(() => mcu.close());
  const files = new FileReceiver();
  mcu.push(files);
  const valve = { isOpen: true };
  mcu.push({
    name: 'valve',
    onPacket: ({ subject }) => (subject === 'file' && !valve.isOpen ? 'handled' : undefined),
  });
  const config = join(folder, 'gateway.yaml');
  writeFileSync(
    config,
    'nats: { embedded: true }\n' +
      'links: [{ name: pump, protocol: compact, transport: { type: serial, path: ./tty } }]\n',
  );
  const file = join(folder, 'firmware.bin');
  const content = Buffer.from(Array.from({ length: 30_000 }, (_, i) => (i * 31) & 0xff));
  writeFileSync(file, content);
  const run = async (): Promise<Cli> => {
    const daemon = new Cli(['run', '-c', config]);
    await daemon.said(/connected to NATS/);
    return daemon;
  };
  const args = (...more: string[]): string[] => ['send-file', 'pump', ...more, '-c', config];
  return { folder, file, content, files, valve, run, args };
}

it('sends a file through a kill of the gateway, is left by Ctrl-C and followed again', async () => {
  const { file, content, files, valve, run, args } = await site();
  const daemon = await run();
  valve.isOpen = false;
  const first = new Cli(args(file, '--as', 'fw.bin'));
  await first.said(/fw\.bin to pump: 0 %/, 'stdout');
  first.child.kill('SIGINT');
  expect(await first.ended).toBe(1);
  expect(first.stderr).toContain('siot-mcu send-file pump --follow');
  expect(first.stderr).toContain('siot-mcu send-file pump --abort');

  const second = await runCli(args(file));
  expect(second.status).toBe(1);
  expect(second.stderr).toContain('fw.bin is being sent');

  daemon.child.kill('SIGKILL');
  await daemon.ended;
  await run();
  const follower = new Cli(args('--follow', '--json'));
  await follower.said(/"state":"sending"/, 'stdout');
  valve.isOpen = true;
  expect(await follower.ended).toBe(0);
  const lines = follower.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(lines.at(-1)).toEqual({ bytes: 30_000, of: 30_000, state: 'done' });
  expect(files.files.map(({ name }) => name)).toEqual(['fw.bin']);
  expect(Buffer.compare(files.files[0]!.bytes, content)).toBe(0);
});

it('ends a file, and says what is wrong with others', async () => {
  const { folder, file, valve, run, args } = await site();
  await run();
  const failing = async (...more: string[]): Promise<[number | null, string]> => {
    const { status, stderr } = await runCli(args(...more));
    return [status, stderr];
  };
  expect(await failing()).toEqual([2, 'siot-mcu: give one of FILE, --abort and --follow\n']);
  expect(await failing(join(folder, 'none'))).toEqual([
    2,
    expect.stringContaining('does not exist'),
  ]);
  expect(await failing(folder)).toEqual([2, `siot-mcu: ${folder} is no file\n`]);
  expect(await failing(file, '--as', 'a/b')).toEqual([1, expect.stringContaining('16 bytes')]);
  expect(await failing('--abort')).toEqual([1, 'siot-mcu: no file is being sent to this device\n']);
  expect(await failing('--follow')).toEqual([1, 'siot-mcu: no file was sent to pump\n']);
  valve.isOpen = false;
  const sender = new Cli(args(file));
  await sender.said(/0 %/, 'stdout');
  const aborting = await runCli(args('--abort'));
  expect([aborting.status, aborting.stdout]).toEqual([0, 'pump gets no more of firmware.bin\n']);
  expect(await sender.ended).toBe(1);
  expect(sender.stderr).toContain('somebody has ended the sending of firmware.bin to pump');
});
