/** The commands of other users: what they find in runtimeDir, and how they outlive the gateway. */
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfigFile } from '../../src/cli/config-file.js';
import { Cli, runCli } from '../support/cli.js';
import { mayBeAnotherUser, NOBODY } from '../support/other-user.js';
import { tempDir } from '../support/temp-dir.js';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A configuration, and a folder that systemd would make. */
function site(document: object): { file: string; folder: string; run: string } {
  const folder = tempDir();
  const run = join(folder, 'run');
  mkdirSync(run);
  chmodSync(run, 0o750);
  const file = join(folder, 'gateway.yaml');
  const links = [{ name: 'pump', transport: { type: 'serial', path: './none' } }];
  writeFileSync(file, JSON.stringify({ nats: { embedded: true }, links, ...document }));
  return { file, folder, run };
}

describe('watch', () => {
  it.each(['a fixed port', 'any port'])(
    'goes on after a restart of a gateway with a private server on %s',
    { timeout: 60_000 },
    async (which) => {
      const nats = { embedded: which === 'any port' ? true : { port: await freePort() } };
      const { file } = site({ nats });
      const first = new Cli(['run', '-c', file]);
      await first.said(/connected to NATS/);
      const watch = new Cli(['watch', '-c', file]);
      await watch.said(/^NATS: connected/m, 'stdout');
      first.child.kill('SIGTERM');
      await first.ended;
      await watch.said(/start `siot-mcu run`/, 'stdout');
      const second = new Cli(['run', '-c', file]);
      await second.said(/connected to NATS/);
      await watch.said(/the gateway answers again/, 'stdout');
    },
  );
});

describe('runtimeDir', () => {
  it('has what commands need, for its group, and nothing else', async () => {
    const { file, run, folder } = site({ runtimeDir: './run' });
    const daemon = new Cli(['run', '-c', file]);
    await daemon.said(/connected to NATS/);
    const named = readdirSync(run).filter((name) => !name.startsWith('running-'));
    expect(named.sort()).toEqual(['gateway.json', 'gateway.sock', 'nats.json']);
    const modes = named.map((name) => statSync(join(run, name)).mode & 0o777);
    expect(modes).toEqual([0o640, 0o660, 0o640]);
    const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as { id: string };
    const { id } = read(join(run, 'gateway.json'));
    expect(read(join(folder, 'state', 'gateway.json')).id).toBe(id);
    expect(readdirSync(join(folder, 'state'))).not.toContain('nats.json');
    const watch = new Cli(['watch', '-c', file]);
    await watch.said(/^NATS: connected/m, 'stdout');
    daemon.child.kill('SIGTERM');
    await daemon.ended;
    expect(readdirSync(run)).toEqual(['gateway.json']);
  });

  it('is the configured one, else the first one that systemd has made, else stateDir', () => {
    const { file, folder } = site({});
    const of = (name: string, environment: Record<string, string>): string =>
      readConfigFile(name, environment).runtimeDir;
    expect(of(file, {})).toBe(join(folder, 'state'));
    expect(of(file, { RUNTIME_DIRECTORY: '' })).toBe(join(folder, 'state'));
    expect(of(file, { RUNTIME_DIRECTORY: '/run/siot-mcu:/run/more' })).toBe('/run/siot-mcu');
    const given = site({ runtimeDir: './run' });
    expect(of(given.file, { RUNTIME_DIRECTORY: '/run/siot-mcu' })).toBe(given.run);
  });

  it('that cannot be written ends the gateway with an error', async () => {
    const { file } = site({ runtimeDir: '/proc/nowhere/run' });
    const { status, stderr } = await runCli(['run', '-c', file]);
    expect(status).toBe(1);
    expect(stderr).toContain('runtimeDir /proc/nowhere/run cannot be written');
  });
});

describe('a command after a crash of the gateway', () => {
  it('says what to start, not that a nats-server is missing', async () => {
    const { file, run } = site({ runtimeDir: './run' });
    const url = `nats://127.0.0.1:${String(await freePort())}`;
    writeFileSync(join(run, 'gateway.json'), JSON.stringify({ id: 'g' }));
    writeFileSync(join(run, 'nats.json'), JSON.stringify({ url, token: 'x' }));
    const { status, stderr } = await runCli(['watch', '-c', file]);
    expect(status).toBe(1);
    expect(stderr).toBe(
      `siot-mcu: the gateway’s private nats-server at ${url} does not run: start \`siot-mcu run\` first\n`,
    );
  });
});

describe('two gateways with one runtimeDir', () => {
  it('cannot both run: the commands for one would reach the other', async () => {
    const { file, folder, run } = site({ runtimeDir: './run' });
    const daemon = new Cli(['run', '-c', file]);
    await daemon.said(/connected to NATS/);
    const other = site({ runtimeDir: run });
    const { status, stderr } = await runCli(['run', '-c', other.file]);
    expect(status).toBe(1);
    expect(stderr).toContain(
      `runtimeDir ${run} is in use by another gateway, the process ${String(daemon.child.pid)}: ` +
        'stop that one, or give this one a runtimeDir of its own',
    );
    const { id } = JSON.parse(readFileSync(join(run, 'gateway.json'), 'utf8')) as { id: string };
    expect(readFileSync(join(folder, 'state', 'gateway.json'), 'utf8')).toContain(id);
    expect(readdirSync(run)).toContain('nats.json');
  });
});

describe('a runtimeDir that every user can write', () => {
  it('is warned about, and does not hold the configuration of nats-server', async () => {
    const { file, run, folder } = site({ runtimeDir: './run' });
    chmodSync(run, 0o777);
    const daemon = new Cli(['run', '-c', file]);
    await daemon.said(/connected to NATS/);
    expect(daemon.stderr).toContain('can be written by every user');
    const state = join(folder, 'state');
    expect(natsArguments(daemon.child.pid)).toContain(join(state, 'nats-server.conf'));
    expect(readdirSync(state)).not.toContain('nats-server.conf');
  });
});

/** Of the nats-server that a process has started. */
function natsArguments(parent: number | undefined): string[] {
  const pids = readFileSync(`/proc/${String(parent)}/task/${String(parent)}/children`, 'latin1');
  return pids
    .trim()
    .split(' ')
    .flatMap((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0'));
}

/** A group without a name and members. */
const GROUP = 4242;

describe.skipIf(!mayBeAnotherUser())(
  'a command of another user (skipped unless root runs the tests, where others may read)',
  () => {
    it(
      'works for members of the group, and tells other users which group that is',
      { timeout: 60_000 },
      async () => {
        const { file, folder, run } = site({ runtimeDir: './run' });
        chmodSync(folder, 0o755);
        chownSync(run, 0, GROUP);
        const daemon = new Cli(['run', '-c', file]);
        await daemon.said(/connected to NATS/);
        const member = new Cli(['watch', '-c', file], { uid: NOBODY, gid: statSync(run).gid });
        await member.said(/^NATS: connected/m, 'stdout');
        const otherUser = await runCli(['watch', '-c', file], { uid: NOBODY, gid: NOBODY });
        expect(otherUser.status).toBe(1);
        expect(otherUser.stderr).toMatch(
          /run\/gateway\.json may not be read by user (\S+), who is not in the group 4242, to which the folder \S+\/run belongs: `sudo usermod -aG 4242 \1`, then log in again\n$/,
        );
        chmodSync(run, 0o700);
        const closed = await runCli(['set', 'pump', 'x', '1', '-c', file], { uid: NOBODY });
        expect(closed.status).toBe(1);
        expect(closed.stderr).toMatch(
          /the folder \S+\/run is for root alone\. Run the command with sudo, or give the gateway a runtimeDir that a group may read\n$/,
        );
      },
    );

    it('says that the gateway does not run, where systemd has removed the folder of one that did', async () => {
      const { file, folder, run } = site({ runtimeDir: './run' });
      chmodSync(folder, 0o755);
      const daemon = new Cli(['run', '-c', file]);
      await daemon.said(/connected to NATS/);
      daemon.child.kill('SIGTERM');
      await daemon.ended;
      rmSync(run, { recursive: true });
      const { status, stderr } = await runCli(['watch', '-c', file], { uid: NOBODY });
      expect(status).toBe(1);
      expect(stderr).toMatch(/^siot-mcu: the gateway does not run now.*start it with/);
    });

    it('tells a user who may not read the configuration whose it is, or which group may', async () => {
      const { file, folder } = site({});
      chmodSync(folder, 0o755);
      chmodSync(file, 0o640);
      const check = () => runCli(['check', '-c', file], { uid: NOBODY, gid: NOBODY });
      const ofRoot = await check();
      expect(ofRoot.status).toBe(2);
      expect(ofRoot.stderr).toMatch(
        /gateway\.yaml:1:1: \(file\): may not be read by user \S+: it is for root alone\. Run the command with sudo, or let a group read it: `sudo chgrp \S+ (\S+)` and `sudo chmod 0640 \1`\n$/,
      );
      chownSync(file, 0, GROUP);
      expect((await check()).stderr).toContain('who is not in the group 4242: `sudo usermod');
      chmodSync(folder, 0o700);
      expect((await check()).stderr).toContain(`the folder ${folder} is for root alone`);
    });

    it('is not possible where the gateway’s user is not in the folder’s group: it serves this user alone, and says so', async () => {
      const { file, folder, run } = site({ runtimeDir: './run', stateDir: './run/state' });
      chmodSync(folder, 0o755);
      chownSync(run, NOBODY, 0);
      const daemon = new Cli(['run', '-c', file], { uid: NOBODY, gid: NOBODY });
      await daemon.said(/connected to NATS/);
      expect(daemon.stderr.match(/is none of the gateway’s user/g)).toHaveLength(1);
      expect(statSync(join(run, 'nats.json')).mode & 0o777).toBe(0o600);
      const own = new Cli(['watch', '-c', file], { uid: NOBODY, gid: NOBODY });
      await own.said(/^NATS: connected/m, 'stdout');
    });
  },
);
