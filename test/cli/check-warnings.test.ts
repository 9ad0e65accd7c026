/** What `siot-mcu check` warns of, and messages about files without the system's codes. */
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/cli/config-file.js';
import { configWarnings, portWarnings } from '../../src/cli/config-warnings.js';
import { ownerName } from '../../src/linux/accounts.js';
import { runCli } from '../support/cli.js';
import { openPty } from '../support/pty.js';
import { tempDir } from '../support/temp-dir.js';

function configIn(folder: string, text: string): string {
  const file = join(folder, 'gw.yaml');
  writeFileSync(file, text);
  return file;
}

async function warningsOf(folder: string, text: string): Promise<string[]> {
  const read = readConfig(configIn(folder, text), {});
  const { warnings } = await configWarnings(read);
  return warnings.map(({ path, message }) =>
    read.problem(path, message).replaceAll(`${folder}/`, ''),
  );
}

const link = (path: string): string =>
  `links:\n  - name: a\n    transport: { type: serial, path: ${path} }\n`;

describe('check warns of a serial port', () => {
  it('that is not there', async () => {
    expect(await warningsOf(tempDir(), link('/dev/serial/by-id/none'))).toEqual([
      'gw.yaml:3:38: links[0].transport.path: at present /dev/serial/by-id/none does not exist: is the device plugged in?',
    ]);
  });

  it('whose path is relative, and says what it means', async () => {
    expect(await warningsOf(tempDir(), link('ttyS0'))).toEqual([
      'gw.yaml:3:38: links[0].transport.path: "ttyS0" is relative, and so means ttyS0; give the whole path, such as /dev/ttyS0',
      'gw.yaml:3:38: links[0].transport.path: at present ttyS0 does not exist: is the device plugged in?',
    ]);
  });

  it('that is none', async () => {
    const folder = tempDir();
    expect(await warningsOf(folder, link(`${folder}/gw.yaml`))).toEqual([
      'gw.yaml:3:38: links[0].transport.path: at present gw.yaml is not a serial port. `siot-mcu ports` lists those of this machine.',
    ]);
  });

  it('that is numbered, where another name stays the same', async () => {
    const root = tempDir();
    const put = (path: string): string => {
      mkdirSync(join(root, path, '..'), { recursive: true });
      return join(root, path);
    };
    mkdirSync(put('sys/class/tty/ttyUSB3/x'), { recursive: true });
    symlinkSync('x', put('sys/class/tty/ttyUSB3/device'));
    writeFileSync(put('dev/ttyUSB3'), '');
    symlinkSync('../../ttyUSB3', put('dev/serial/by-id/usb-Acme-if00'));
    const read = readConfig(configIn(root, link(`${root}/dev/ttyUSB3`)), {});
    const warnings = await portWarnings(read, { root });
    expect(warnings.map(({ message }) => message.replaceAll(root, ''))).toEqual([
      '/dev/ttyUSB3 may be another board after a restart of the machine; /dev/serial/by-id/usb-Acme-if00 stays the same',
    ]);
  });

  it('but not of one that is as it should be', async () => {
    const pty = openPty();
    onTestFinished(() => pty.close());
    expect(await warningsOf(tempDir(), link(pty.path))).toEqual([]);
  });
});

it('check counts its warnings, has them on stderr in the form of problems, and ends with 0', async () => {
  const file = configIn(tempDir(), link('/dev/none'));
  expect(await runCli(['check', '-c', file])).toEqual({
    status: 0,
    stdout: `${file}: good, 1 link, with 1 warning\n`,
    stderr: `${file}:3:38: links[0].transport.path: warning: at present /dev/none does not exist: is the device plugged in?\n`,
  });
});

it('check warns of folders that this user cannot make or write, and names the user', async () => {
  const folder = tempDir();
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, 'closed'), { mode: 0o555 });
  const file = configIn(
    folder,
    `stateDir: closed\nruntimeDir: ${folder}/closed/below/it\nlinks: []\n`,
  );
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? ownerName(65534) : userInfo().username;
  const owner = isRoot ? 'root' : user;
  const { status, stdout, stderr } = await runCli(
    ['check', '-c', file],
    isRoot ? { uid: 65534, gid: 65534 } : {},
  );
  expect(stderr.replaceAll(folder, '')).toBe(
    `/gw.yaml:1:11: stateDir: warning: /closed, which belongs to ${owner}, cannot be written by user ${user} (not permitted): ` +
      'run the gateway as a user who may write there, or name another folder\n' +
      `/gw.yaml:2:13: runtimeDir: warning: /closed/below/it cannot be made by user ${user} in /closed, which belongs to ${owner} (not permitted): ` +
      'run the gateway as a user who may write there, or name another folder\n',
  );
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: `${file}: good, 0 links, with 2 warnings\n`,
  });
});

describe('a file that is not there is told without the code of the system:', () => {
  const none = '/no-such/file';
  it.each<[string, string[], number, RegExp]>([
    [
      'a profile of sim',
      ['sim', '--pty', 'x', '--profile', none],
      2,
      /^\/no-such\/file:1:1: cannot be read: it does not exist, or a folder of its path does not; check the name\n$/,
    ],
    [
      'the folder of a PTY of sim',
      ['sim', '--pty', none],
      1,
      /cannot make the link \/no-such\/file: it does not exist, or a folder of its path does not; check/,
    ],
    [
      'a port of sim',
      ['sim', '--serial', none],
      1,
      /cannot open the serial port \/no-such\/file: it does not exist; is it plugged in\?/,
    ],
    [
      'a log of can decode',
      ['can', 'decode', resolve('gateway.example.dbc'), none],
      2,
      /^siot-mcu: \/no-such\/file does not exist; check the name\n$/,
    ],
    [
      'a folder as a log of can decode',
      ['can', 'decode', resolve('gateway.example.dbc'), '/tmp'],
      2,
      /^siot-mcu: \/tmp is a folder; name a file\n$/,
    ],
    [
      'a database of can decode',
      ['can', 'decode', none],
      2,
      /^\/no-such\/file:1:1: does not exist; check the name\n$/,
    ],
    [
      'a configuration',
      ['check', none],
      2,
      /^\/no-such\/file:1:1: \(file\): does not exist; check the name\n$/,
    ],
  ])('%s', async (_what, args, status, message) => {
    const said = await runCli(args, { cwd: tempDir() });
    expect(said.stderr).toMatch(message);
    expect(said.stderr).not.toMatch(/\bE[A-Z]{3,}\b/);
    expect(said.status).toBe(status);
  });
});
