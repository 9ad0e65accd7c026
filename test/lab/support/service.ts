/**
 * The gateway as a service, in a guest whose first program is systemd (`npm run lab --
 * --systemd`): installed as docs/operation.md, "As a service" says, with users beside it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach } from 'vitest';
import { until } from '../../support/until.js';
import { run } from './system.js';

/** Where the README installs a checkout. */
const INSTALLED = '/opt/siot-mcu-gateway';
export const PROGRAM = '/usr/local/bin/siot-mcu';
export const CONFIG = '/etc/siot-mcu/gateway.yaml';
/** Folders that services find programs in. */
const SERVICE_PATH = ['/usr/local/bin', '/usr/bin', '/usr/sbin'];

/** The guest's first program is systemd. */
export const hasSystemd = process.env['LAB_INIT'] === 'systemd';

/** Skips the tests of a file, whose path is `file`, where the guest has no systemd. */
export function needsSystemd(file: string): void {
  beforeEach(({ skip }) => {
    if (hasSystemd) return;
    skip(`the guest has no systemd: npm run lab -- --systemd ${file}`);
  });
}

/** Installs this checkout, which is built, with its bundled program, which starts sooner. */
export function installProgram(): void {
  mkdirSync(INSTALLED, { recursive: true });
  // What is above the checkout may be closed to other users.
  run('mount', '--bind', resolve('.'), INSTALLED);
  const main = join(INSTALLED, 'build/lab/siot-mcu.mjs');
  chmodSync(main, 0o755);
  symlinkSync(main, PROGRAM);
  for (const [name, path] of [
    ['node', process.execPath],
    ['nats-server', run('sh', '-c', 'command -v nats-server').trim()],
  ] as const) {
    if (SERVICE_PATH.some((folder) => existsSync(join(folder, name)))) continue;
    copyFileSync(path, `/usr/local/bin/${name}`);
  }
}

/** The user and the unit, from the files of packaging/. */
export function installUnit(): void {
  mkdirSync('/etc/sysusers.d', { recursive: true });
  copyFileSync('packaging/siot-mcu.sysusers', '/etc/sysusers.d/siot-mcu.conf');
  run('systemd-sysusers');
  copyFileSync('packaging/siot-mcu.service', '/etc/systemd/system/siot-mcu.service');
  run('systemctl', 'daemon-reload');
}

/** Gives a file to root and the group of the service, which may read it. */
export function shareWithGroup(path: string): void {
  chownSync(path, 0, Number(run('getent', 'group', 'siot-mcu').split(':')[2]));
  chmodSync(path, 0o640);
}

/** A property of the service, such as `MainPID`. */
export const property = (name: string): string =>
  run('systemctl', 'show', '--value', '-p', name, 'siot-mcu').trim();

/** An entry of the journal, of the service. */
export interface JournalEntry {
  readonly PRIORITY: string;
  readonly MESSAGE: string;
}

export function journal(): readonly JournalEntry[] {
  return run('journalctl', '-u', 'siot-mcu', '-o', 'json', '--no-pager', '_COMM=node')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as JournalEntry);
}

/** Until the gateway has said where its private nats-server is. */
export const serviceRuns = (): Promise<boolean> =>
  until(
    () => existsSync('/run/siot-mcu/nats.json'),
    () => `the service to run: ${JSON.stringify(journal())}`,
    20_000,
  );

/** A command, as a user who has just logged in types it. */
const asUser = (user: string, args: readonly string[]): readonly [string, readonly string[]] => [
  'setpriv',
  ['--reuid', user, '--regid', user, '--init-groups', '--reset-env', PROGRAM, ...args],
];

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `siot-mcu` to its end. The event loop runs meanwhile, on which the device lives. */
export async function runAs(user: string, ...args: readonly string[]): Promise<Outcome> {
  const [program, all] = asUser(user, args);
  const child = spawn(program, all, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const status = await new Promise<number | null>((done) => child.once('close', done));
  return { status, stdout, stderr };
}

/** A command that goes on; what it has printed so far. It is gone after `end`. */
export function startAs(user: string, ...args: readonly string[]) {
  const [program, all] = asUser(user, args);
  const child = spawn(program, all, { cwd: '/', stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const add = (text: string): void => void (said += text);
  child.stdout.setEncoding('utf8').on('data', add);
  child.stderr.setEncoding('utf8').on('data', add);
  return {
    said: () => said,
    end: async (): Promise<void> => {
      const closed = new Promise((done) => child.once('close', done));
      child.kill('SIGTERM');
      await closed;
    },
  };
}

/** What root's shell prints for a line, such as one of the docs. Throws if it fails. */
export function shell(line: string): string {
  const { status, stdout, stderr } = spawnSync('sh', ['-ec', line], { encoding: 'utf8', cwd: '/' });
  if (status !== 0) throw new Error(`${line}: ${stderr}${stdout}`);
  return stdout;
}
