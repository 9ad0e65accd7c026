/** What the built program writes where systemd's journal reads its stderr (docs/contract.md, "siot-mcu run"). */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { journalEntry } from '../../src/cli/logger.js';
import { until } from '../support/until.js';
import { tempDir } from '../support/temp-dir.js';

const MAIN = resolve('dist/src/cli/main.js');

/** `siot-mcu run`, with a file for the journal's end of its stderr. */
function service(configuration: string, ...args: readonly string[]) {
  const folder = tempDir();
  const config = join(folder, 'gateway.yaml');
  writeFileSync(config, configuration);
  const file = join(folder, 'journal');
  const stderr = openSync(file, 'w');
  const { dev, ino } = fstatSync(stderr, { bigint: true });
  const child = spawn(process.execPath, [MAIN, 'run', '-c', config, ...args], {
    stdio: ['ignore', 'ignore', stderr],
    env: { ...process.env, JOURNAL_STREAM: `${String(dev)}:${String(ino)}` },
  });
  closeSync(stderr);
  const ended = once(child, 'close');
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const text = (): string => readFileSync(file, 'utf8');
  const said = (pattern: RegExp): Promise<unknown> => until(() => pattern.test(text()), text);
  return { text, said, ended, child };
}

// Nothing listens on the discard port of loopback.
const NO_NATS = 'nats: { servers: "nats://127.0.0.1:9" }\n';

it('has a level before each line, no time of its own, and no JSON, unless another form is asked for', async () => {
  const links = 'links: [{ name: pump, transport: { type: serial, path: ./none } }]\n';
  const gateway = service(NO_NATS + links);
  await gateway.said(/^<4>.*nothing listens at/m);
  await gateway.said(/^<[346]>pump: .*does not exist/m);
  await gateway.said(/^<6>/m);
  const lines = gateway.text().trimEnd().split('\n');
  expect(lines.filter((line) => !/^<[3467]>[^{\d]/.test(line))).toEqual([]);
  gateway.child.kill('SIGTERM');
  await gateway.ended;

  const forced = service(`${NO_NATS}links: []\n`, '--log-format', 'json');
  await forced.said(/^\{"level":"warn"/m);
});

it('has each line of a text of several behind a level and the link, and a device’s text in one line', () => {
  const entry = { level: 'error', time: 0, link: 'pump', msg: 'it failed\n<0>at line 1\n' };
  expect(journalEntry(entry)).toBe('<3>pump: it failed\n<3>pump:   <0>at line 1\n');
  const says = { level: 'info', time: 0, link: 'pump', msg: 'the device says', device: 'a\n<0>b' };
  expect(journalEntry(says)).toBe('<6>pump: the device says (device=a\\x0a<0>b)\n');
});

it('has what is wrong with the configuration as errors', async () => {
  const gateway = service('links: [{ nam: x }]\n');
  const [status] = (await gateway.ended) as [number];
  expect(status).toBe(2);
  expect(gateway.text()).toMatch(/^<3>.*gateway\.yaml:1:11: links\[0\]\.nam: unknown key/m);
});
