/** `siot-mcu watch LINK --raw` beside a running gateway, by its socket: there is no NATS. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeFrame, encodePacket, POINT_CODECS } from '../../firmware-sim/index.js';
import { Cli, runCli } from '../support/cli.js';
import { openPty, type Pty } from '../support/pty.js';
import { tempDir } from '../support/temp-dir.js';

interface Site {
  readonly file: string;
  readonly folder: string;
  readonly pty: Pty;
  /** Writes the configuration of the link. */
  configure(link?: object): void;
  watch(...options: string[]): Cli;
}

/** A gateway's configuration, for a device that the test plays. */
function site(): Site {
  const folder = tempDir();
  const file = join(folder, 'gateway.yaml');
  const pty = openPty();
  onTestFinished(() => pty.close());
  const configure = (link: object = {}): void => {
    const pump = { name: 'pump', transport: { type: 'serial', path: pty.path }, ...link };
    const nats = { servers: 'nats://127.0.0.1:1' };
    writeFileSync(file, JSON.stringify({ nats, links: [pump] }));
  };
  configure();
  const watch = (...options: string[]): Cli =>
    new Cli(['watch', 'pump', '--raw', '-c', file, ...options]);
  return { file, folder, pty, configure, watch };
}

async function running(file: string): Promise<Cli> {
  const daemon = new Cli(['run', '-c', file]);
  await daemon.said(/port is open/);
  return daemon;
}

/** A packet of the device, framed. */
const packet = (sequence: number, subject: string, payload: Uint8Array = new Uint8Array()) =>
  encodeFrame(encodePacket({ sequence, subject, payload }));

const temperature = (sequence: number, value: number): Uint8Array => {
  const point = { type: 'temp', key: 'motor', time: 0n, value, tombstone: 0, origin: '' };
  return packet(sequence, '', POINT_CODECS.compact.encode([point]));
};

/** What a command has said besides traffic, after its head; of the port without the reason. */
const notes = ({ stdout }: Cli): string[] =>
  [...stdout.matchAll(/ -- (port closed|port opened|.*$)/gm)].slice(1).map(([, note = '']) => note);

describe('raw traffic', () => {
  it('is shown both ways, decoded and in hex, with the round trip; Ctrl-C ends it with 0', async () => {
    const { file, pty, watch } = site();
    await running(file);
    const people = watch();
    const program = watch('--json', '--no-hex');
    await people.said(/-- pump: .*: port open; ▲ from the device/, 'stdout');
    await program.said(/"link":"pump"/, 'stdout');
    await pty.write(temperature(12, 23.5));
    await people.said(/▼ ack {6}seq 12 .* ms after the packet$/m, 'stdout');
    await program.said(/"kind":"ack".*\n/, 'stdout');
    const hex = [...temperature(12, 23.5).subarray(0, 16)]
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join(' ');
    expect(people.stdout).toMatch(
      new RegExp(
        `^\\d\\d:\\d\\d:\\d\\d\\.\\d{3} ▲ points {3}seq 12 .*temp/motor = 23\\.5\n +${hex}$`,
        'm',
      ),
    );
    const lines = program.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(lines).toContainEqual({
      time: expect.stringMatching(/^\d{19}$/) as string,
      direction: 'up',
      packet: {
        kind: 'points',
        sequence: 12,
        subject: '',
        length: expect.any(Number) as number,
        codec: 'compact',
        points: [{ type: 'temp', key: 'motor', value: 23.5, time: '0' }],
      },
    });
    for (const { child } of [people, program]) child.kill('SIGINT');
    expect([await people.ended, await program.ended]).toEqual([0, 0]);
  });

  it('tells a wrong CRC with both values, and text that is no packet', async () => {
    const { file, pty, watch } = site();
    await running(file);
    const seen = watch('--no-hex');
    await seen.said(/-- pump/, 'stdout');
    const wrong = Uint8Array.from(
      encodePacket({ sequence: 3, subject: 'x', payload: Buffer.of(1) }),
    );
    wrong[17] = 2;
    // Before the first delimiter a frame may have been cut.
    await pty.write(
      Buffer.concat([Buffer.of(0), encodeFrame(wrong), Buffer.from('temp=23.5\r\n')]),
    );
    await seen.said(/▲ text 11 B: "temp=23\.5\\r\\n"/, 'stdout');
    expect(seen.stdout).toMatch(
      /▲ discarded \d+ B: wrong CRC: it has 0x[\da-f]{4}, its bytes give 0x[\da-f]{4}$/m,
    );
  });

  it('goes on when the link is made anew for another configuration, and when the gateway was restarted', async () => {
    const { file, pty, configure, watch } = site();
    const daemon = await running(file);
    const seen = watch('--no-hex');
    await seen.said(/-- pump/, 'stdout');
    configure({ maxFrameLength: 512 });
    daemon.child.kill('SIGHUP');
    await seen.said(/port opened/, 'stdout');
    await pty.write(temperature(1, 7));
    await seen.said(/temp\/motor = 7$/m, 'stdout');
    expect(notes(seen)).toEqual([
      'port closed',
      'the link is configured otherwise now, and its traffic is read as that says',
      'port opened',
    ]);
    daemon.child.kill('SIGTERM');
    await seen.said(/the gateway has ended/, 'stdout');
    await daemon.ended;
    await running(file);
    await seen.said(/the gateway has ended[^]*-- pump: .*port/, 'stdout');
    await pty.write(temperature(2, 8));
    await seen.said(/temp\/motor = 8$/m, 'stdout');
    seen.child.kill('SIGINT');
    expect(await seen.ended).toBe(0);
  });

  it('tells once that the link was removed from the configuration', async () => {
    const { file, configure, watch } = site();
    const daemon = await running(file);
    const seen = watch('--no-hex');
    await seen.said(/-- pump/, 'stdout');
    configure({ name: 'valve' });
    daemon.child.kill('SIGHUP');
    await seen.said(/-- the link was removed/, 'stdout');
    expect(notes(seen)).toEqual(['port closed', 'the link was removed from the configuration']);
  });

  it('costs a slow reader what it does not read, which is told, and the gateway goes on', async () => {
    const { file, pty, watch } = site();
    await running(file);
    const slow = watch('--no-hex');
    await slow.said(/-- pump/, 'stdout');
    slow.child.kill('SIGSTOP');
    const noise = Buffer.alloc(65_536, 0x81);
    for (let n = 0; n < 40; n += 1) await pty.write(noise);
    await pty.write(Buffer.concat([Buffer.of(0), temperature(9, 5)]));
    const other = watch('--no-hex');
    await other.said(/-- pump/, 'stdout');
    await pty.write(temperature(10, 6));
    await other.said(/temp\/motor = 6/, 'stdout');
    slow.child.kill('SIGCONT');
    await slow.said(/-- \d+ chunks or frames \(\d+ bytes\) are missing here/, 'stdout');
    await pty.write(temperature(11, 7));
    await slow.said(/temp\/motor = 7/, 'stdout');
  });

  it('says what is wrong: no link, an unknown one, no gateway here, options that do not fit', async () => {
    const { file, watch } = site();
    const none = watch();
    expect(await none.ended).toBe(1);
    expect(none.stderr).toMatch(/the machine of the gateway only/);
    await running(file);
    const cases: [string[], RegExp][] = [
      [['watch', '--raw'], /--raw needs the name of a link: siot-mcu watch LINK --raw/],
      [['watch', 'pmp', '--raw'], /no link "pmp".*pump/],
      [['watch', 'pump', '--no-hex'], /--no-hex is for --raw/],
    ];
    for (const [args, message] of cases) {
      const { status, stderr } = await runCli([...args, '-c', file]);
      expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
    }
  });
});
