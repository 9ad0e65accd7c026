/** `siot-mcu status` of the built program: with devices on PTYs, with and without NATS, a gateway or a permission. */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { openDevice } from '../gateway/plant.js';
import { BROKEN_DEVICES } from '../session/diagnosis/broken-devices.js';
import { Cli, runCli } from '../support/cli.js';
import { mayBeAnotherUser, NOBODY } from '../support/other-user.js';
import { openPty, type Pty } from '../support/pty.js';
import { tempDir } from '../support/temp-dir.js';
import { until } from '../support/until.js';

interface StatusObject {
  readonly gateway: {
    readonly id: string;
    readonly outbox: { points: number; bytes: number; oldestMs: number | null };
    readonly nats: { readonly state: string };
    readonly store: { readonly state: string };
  };
  readonly links: readonly {
    readonly name: string;
    readonly state: string;
    readonly reason: string | null;
    readonly advice: readonly string[];
    readonly heardMs: number | null;
    readonly roundTripMs: number | null;
    readonly rx: number;
  }[];
}

/** A configuration in a folder of its own. */
function site(document: object, folder = tempDir()): { file: string; folder: string } {
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, JSON.stringify(document));
  return { file, folder };
}

const serial = (path: string): object => ({ type: 'serial', path });

async function statusOf(file: string): Promise<StatusObject> {
  const { status, stdout, stderr } = await runCli(['status', '--json', '-c', file]);
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as StatusObject;
}

function pty(): Pty {
  const made = openPty();
  onTestFinished(() => made.close());
  return made;
}

/** Writes what a device says once a second, from now on. */
function saysEachSecond(device: Pty, message: (second: number) => Uint8Array): void {
  let second = 0;
  const timer = setInterval(() => void device.write(message(second++)), 1_000);
  onTestFinished(() => clearInterval(timer));
}

const NEVER = 'nats://127.0.0.1:1';

describe('status', () => {
  it('shows a gateway and its links, as JSON and for people', { timeout: 60_000 }, async () => {
    const nats = await NatsServer.start();
    onTestFinished(() => nats.stop());
    const device = await openDevice();
    const { file } = site({
      nats: { servers: nats.url },
      links: [
        { name: 'pump', transport: device.transport, protocol: 'compact' },
        { name: 'gone', transport: serial('/dev/none') },
      ],
    });
    const daemon = new Cli(['run', '-c', file]);
    await daemon.said(/connected to NATS/);
    await device.report('temp', 1);
    const status = await until(async () => {
      const now = await statusOf(file);
      return now.links[0]?.state === 'talks' && now.gateway.outbox.points === 0 ? now : undefined;
    }, 'the device to talk');
    expect(status).toEqual({
      gateway: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        description: expect.any(String) as string,
        version: expect.any(String) as string,
        uptimeMs: expect.any(Number) as number,
        outbox: { points: 0, bytes: 0, oldestMs: null },
        nats: { state: 'connected', server: expect.stringContaining('127.0.0.1:') as string },
        store: { state: 'none', generation: 2 },
      },
      links: [
        {
          name: 'pump',
          nodeId: expect.any(String) as string,
          transport: `${device.pipe.path} 115200 8N1`,
          state: 'talks',
          reason: null,
          advice: [],
          diagnosis: null,
          codec: 'compact',
          heardMs: expect.any(Number) as number,
          roundTripMs: expect.any(Number) as number,
          rx: expect.any(Number) as number,
          tx: expect.any(Number) as number,
          rates: expect.any(Object) as object,
          discarded: {},
          pending: [],
        },
        expect.objectContaining({
          name: 'gone',
          state: 'closed',
          reason: '/dev/none does not exist: is the device plugged in?',
          heardMs: null,
          roundTripMs: null,
          rx: 0,
        }),
      ],
    });
    const page = await runCli(['status', '-c', file]);
    expect([page.status, page.stderr]).toEqual([0, '']);
    const lines = page.stdout.trimEnd().split('\n');
    expect(page.stdout).toMatch(/^ {2}NATS {4}connected to 127\.0\.0\.1:/m);
    expect(page.stdout).toMatch(
      /^gone closed .*\n {2}\/dev\/none 115200 8N1\n {2}\/dev\/none does/m,
    );
    expect(page.stdout).toMatch(/^pump talks .* compact$/m);
    expect(lines.at(-1)).toBe('2 links: 1 talks, 1 closed');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(page.stdout).not.toContain('\x1b');
    // NATS goes away, and the status does not.
    await nats.stop();
    await until(
      async () => (await statusOf(file)).gateway.nats.state !== 'connected',
      'the status without NATS',
    );
  });

  it('alone tells what is wrong with each broken device', { timeout: 120_000 }, async () => {
    const devices = BROKEN_DEVICES.map((broken) => ({ broken, wire: pty() }));
    const { file } = site({
      nats: { servers: NEVER },
      links: devices.map(({ wire }, n) => ({ name: `link${n}`, transport: serial(wire.path) })),
    });
    const daemon = new Cli(['run', '-c', file]);
    await daemon.said(/runs with \d+ link/);
    for (const { broken, wire } of devices) saysEachSecond(wire, broken.message);
    const untold = ({ links }: StatusObject): string[] =>
      devices.flatMap(({ broken }, n) => {
        const { reason, advice = [] } = links[n] ?? {};
        const text = [reason, ...advice].join(' ');
        return broken.says.every((words) => text.includes(words))
          ? []
          : [`${broken.name}: ${text}`];
      });
    let left: string[] = [];
    await until(
      async () => {
        left = untold(await statusOf(file));
        return left.length === 0;
      },
      () => left.join('\n'),
      30_000,
    );
  });

  it(
    'finds a gateway that was killed and started again, in a folder of any depth',
    { timeout: 60_000 },
    async () => {
      const stateDir = join('a'.repeat(100), 'b'.repeat(100));
      const links = [{ name: 'pump', transport: serial('/dev/none') }];
      const { file, folder } = site({ nats: { servers: NEVER }, stateDir: `./${stateDir}`, links });
      const never = await runCli(['status', '-c', file]);
      expect([never.status, never.stdout]).toEqual([1, '']);
      expect(never.stderr).toContain(`${join(folder, stateDir)} knows no gateway yet: start`);
      const first = new Cli(['run', '-c', file]);
      await first.said(/runs with 1 link/);
      const { gateway } = await statusOf(file);
      first.child.kill('SIGKILL');
      await first.ended;
      const killed = await runCli(['status', '-c', file]);
      expect([killed.status, killed.stdout]).toEqual([1, '']);
      expect(killed.stderr).toMatch(
        /^siot-mcu: the gateway does not run now: start it with `siot-mcu run` \(over NATS: nothing listens/,
      );
      const second = new Cli(['run', '-c', file]);
      await second.said(/runs with 1 link/);
      expect((await statusOf(file)).gateway.id).toBe(gateway.id);
    },
  );

  it('asks over NATS where the gateway is on another machine', { timeout: 60_000 }, async () => {
    const nats = await NatsServer.start();
    onTestFinished(() => nats.stop());
    const document = {
      nats: { servers: nats.url },
      links: [{ name: 'pump', transport: serial('/dev/none') }],
    };
    const here = site(document);
    const daemon = new Cli(['run', '-c', here.file]);
    await daemon.said(/connected to NATS/);
    const there = site(document);
    mkdirSync(join(there.folder, 'state'));
    const id = join('state', 'gateway.json');
    copyFileSync(join(here.folder, id), join(there.folder, id));
    const { status, stdout, stderr } = await runCli(['status', '-c', there.file]);
    expect(status).toBe(0);
    expect(stdout).toContain('1 link: 1 closed');
    expect(stderr).toContain('asked over NATS');
  });

  it(
    'asks nobody over NATS where the nats-server is the gateway’s own',
    { timeout: 60_000 },
    async () => {
      const { file } = site({ nats: { embedded: true }, links: [] });
      const daemon = new Cli(['run', '-c', file]);
      await daemon.said(/runs with 0 link/);
      daemon.child.kill('SIGTERM');
      expect(await daemon.ended).toBe(0);
      const { status, stdout, stderr } = await runCli(['status', '-c', file]);
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toBe('siot-mcu: the gateway does not run now: start it with `siot-mcu run`\n');
    },
  );

  it('ends with 1 when the gateway does not answer', { timeout: 60_000 }, async () => {
    const { file } = site({ nats: { servers: NEVER }, links: [] });
    const daemon = new Cli(['run', '-c', file]);
    await daemon.said(/runs with 0 link/);
    daemon.child.kill('SIGSTOP');
    const { status, stdout, stderr } = await runCli(['status', '-c', file]);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^siot-mcu: the gateway runs and does not answer: .*\n$/);
  });

  it('says that a configuration is wrong', async () => {
    const { file } = site({ links: [] });
    expect((await runCli(['status', '-c', file, '--jso'])).status).toBe(2);
    expect((await runCli(['status', '-c', join(dirname(file), 'none.yaml')])).status).toBe(2);
  });
});

describe.skipIf(!mayBeAnotherUser())(
  'status for another user (skipped unless root runs the tests, where others may read)',
  () => {
    it(
      'answers a member of the group, and tells others the reason',
      { timeout: 60_000 },
      async () => {
        const links = [{ name: 'pump', transport: serial('/dev/none') }];
        const { file, folder } = site({ nats: { servers: NEVER }, runtimeDir: './run', links });
        const run = join(folder, 'run');
        mkdirSync(run);
        chmodSync(run, 0o750);
        chmodSync(folder, 0o755);
        chmodSync(file, 0o644);
        const daemon = new Cli(['run', '-c', file]);
        await daemon.said(/runs with 1 link/);
        const member = await runCli(['status', '-c', file], {
          uid: NOBODY,
          gid: statSync(run).gid,
        });
        expect([member.status, member.stderr]).toEqual([0, '']);
        const other = await runCli(['status', '-c', file], { uid: NOBODY, gid: NOBODY });
        expect([other.status, other.stdout]).toEqual([1, '']);
        expect(other.stderr).toContain('may not be read by user ');
        expect(readFileSync(join(run, 'gateway.json'), 'utf8')).toContain('"id"');
      },
    );
  },
);
