import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { configFileOf } from '../../src/cli/config-places.js';
import { ownerName } from '../../src/linux/accounts.js';
import { configJsonSchema } from '../../src/gateway/config/schema.js';
import { Cli, runCli } from '../support/cli.js';
import { tempDir } from '../support/temp-dir.js';

function configFile(text: string): string {
  const file = join(tempDir(), 'gateway.yaml');
  writeFileSync(file, text);
  return file;
}

describe('siot-mcu', () => {
  it.each(['run', 'check', 'ports', 'sim', 'watch', 'set', 'can', 'schema'])(
    '%s --help explains and gives an example, on stdout',
    async (command) => {
      const { status, stdout, stderr } = await runCli([command, '--help']);
      expect(status).toBe(0);
      expect(stdout).toContain(`Usage: siot-mcu ${command}`);
      expect(stdout).toMatch(new RegExp(`Examples?:\n +siot-mcu ${command}`));
      expect(stderr).toBe('');
    },
  );

  it('--help lists all commands and the exit statuses', async () => {
    const { status, stdout } = await runCli(['--help']);
    expect(status).toBe(0);
    for (const word of [
      'run',
      'check',
      'ports',
      'sim',
      'watch',
      'set',
      'can',
      'schema',
      'Exit status',
    ]) {
      expect(stdout).toContain(word);
    }
  });

  it('--version says what package.json says', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(await runCli(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each<[string, readonly string[], RegExp]>([
    ['no command', [], /Usage: siot-mcu/],
    ['an unknown command', ['chek'], /unknown command 'chek'\s+\(Did you mean check\?\)/],
    ['an unknown option', ['check', '--jsn'], /unknown option '--jsn'/],
    ['an option without its value', ['check', '-c'], /argument missing/],
    ['one argument too many', ['schema', 'x'], /too many arguments/],
    ['one argument too few', ['set', 'pump', 'flow'], /missing required argument 'value'/],
    ['undelete without a link', ['undelete'], /Name its link, or say --gateway/],
    ['undelete of two nodes', ['undelete', 'pump', '--gateway'], /not both/],
    ['a wrong log format', ['run', '--log-format', 'xml'], /Allowed choices are text, json/],
    ['a timeout of 0', ['set', 'a', 'b', '1', '--timeout', '0'], /Give seconds above 0/],
    ['two kinds of value', ['set', 'a', 'b', '1', '--int', '--text'], /cannot be used with/],
    ['number and text', ['set', 'a', 'b', '1', '--number', '--text'], /cannot be used with/],
    ['no number', ['set', 'a', 'b', 'auto', '--number'], /VALUE is no number, on, off/],
    [
      'a type with a dot',
      ['set', 'a', 'b.c', '1'],
      /"b\.c" names no point: give TYPE or TYPE\/KEY/,
    ],
    ['a key with a space', ['set', 'a', 'b/c d', '1'], /"b\/c d" names no point/],
    ['an empty type', ['set', 'a', '/k', '1'], /"\/k" names no point/],
    ['a broken integer', ['set', 'a', 'b', '1.5', '--int'], /VALUE is no whole number of 64 bits/],
    ['a huge integer', ['set', 'a', 'b', '9223372036854775808', '--int'], /no whole number of 64/],
    ['broken JSON', ['set', 'a', 'b', '{', '--json'], /VALUE is no JSON/],
    [
      'a simulator without a line',
      ['sim'],
      /give one of --pty LINKPATH, --tcp HOST:PORT, --serial PATH and --can IFACE/,
    ],
    ['a simulator with two lines', ['sim', '--pty', 'x', '--tcp', 'y:1'], /cannot be used with/],
    ['a wrong seed', ['sim', '--pty', 'x', '--seed', '-1'], /Give a whole number from 0 to/],
    [
      'an unknown codec',
      ['sim', '--pty', 'x', '--protocol', 'json'],
      /choices are protobuf, compact/,
    ],
    ['a profile that is missing', ['sim', '--pty', 'x', '--profile', '/no/p'], /^\/no\/p:1:1: /],
  ])('%s ends with 2 and says why', async (_what, args, why) => {
    const { status, stdout, stderr } = await runCli(args);
    expect(stderr).toMatch(why);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it.each(['check', 'run', 'watch'])(
    '%s says all that is wrong and ends with 2',
    async (command) => {
      const file = configFile('links: [{ name: a }]\nnatz: 1\n');
      const { status, stdout, stderr } = await runCli([command, '-c', file]);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr.trimEnd().split('\n')).toEqual([
        expect.stringContaining(`${file}:1:9: links[0].transport: is missing`),
        expect.stringContaining(`${file}:2:1: natz: unknown key; did you mean nats?`),
      ]);
    },
  );

  it('accepts the example configuration and the database that it names', async () => {
    const file = resolve('gateway.example.yaml');
    const { status, stdout, stderr } = await runCli(['check', '-c', file]);
    expect(stdout).toMatch(/^.*gateway\.example\.yaml: good, 5 links, with [34] warnings\n$/);
    expect(status).toBe(0);
    // Its port and its interfaces are on no machine that tests run on.
    for (const line of stderr.trimEnd().split('\n')) {
      expect(line).toMatch(/^.*gateway\.example\.yaml:\d+:\d+: [\w.[\]]+: warning: /);
    }
  });

  it('reads gateway.yaml of the current folder by default', async () => {
    const folder = tempDir();
    writeFileSync(join(folder, 'gateway.yaml'), 'links: []\n');
    const { status, stdout } = await runCli(['check'], { cwd: folder });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'gateway.yaml: good, 0 links\n' });
  });

  it('names the places where it has looked, and -c, when there is no configuration', async () => {
    const folder = tempDir();
    const none = join(folder, 'none.yaml');
    expect(() => configFileOf(undefined, ['gateway.yaml', none])).toThrow(
      `no configuration: there is no gateway.yaml in this folder, and no ${none}; name the file with -c FILE`,
    );
    const system = join(folder, 'gateway.yaml');
    writeFileSync(system, '');
    expect(configFileOf(undefined, ['gateway.yaml', system])).toBe(system);
    expect(configFileOf('other.yaml', [system])).toBe('other.yaml');
    const { stdout } = await runCli(['watch', '--help']);
    expect(stdout).toMatch(/default: \.\/gateway\.yaml, else\s+\/etc\/siot-mcu\/gateway\.yaml/);
  });

  it('check accepts its file without -c too, but not two files', async () => {
    const file = configFile('links: []\n');
    const { status, stdout } = await runCli(['check', file]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: `${file}: good, 0 links\n` });
    const two = await runCli(['check', file, '-c', 'other.yaml']);
    expect(two.stderr).toBe(`siot-mcu: two files: ${file} and other.yaml; give one of them\n`);
    expect(two.status).toBe(2);
  });

  it('check says what this machine lacks for links on CAN, and still accepts the file', async () => {
    const on = (type: string, rest: string) =>
      `  - { name: ${type}, transport: { type: ${type}, interface: lab-none, ${rest} } }\n`;
    const database = resolve('gateway.example.dbc');
    const file = configFile(
      `links:\n${on('can', 'txId: 1, rxId: 2')}${on('can-signals', `database: ${database}`)}`,
    );
    const { status, stdout, stderr } = await runCli(['check', '-c', file]);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: `${file}: good, 2 links, with 2 warnings\n`,
    });
    // Where koffi, or CAN in the kernel, is missing that comes first.
    const advice =
      'at present (there is no CAN interface lab-none: is|CAN needs Linux|this kernel)';
    const warnings = [0, 1].map(
      (link) =>
        `.*:\\d+:\\d+: links\\[${String(link)}\\]\\.transport\\.interface: warning: ${advice}.*\n`,
    );
    expect(stderr).toMatch(new RegExp(`^${warnings.join('')}$`));
  });

  it('check warns of what is odd in a database, once for all links that read it', async () => {
    const folder = tempDir();
    const signal = (name: string) => ` SG_ ${name} : 0|8@1+ (1,0) [0|0] "" X\n`;
    writeFileSync(join(folder, 'm.dbc'), `BO_ 1 M: 1 X\n${signal('A')}${signal('B')}`);
    const link = (name: string) =>
      `  - { name: ${name}, transport: { type: can-signals, interface: ${name}, database: m.dbc } }\n`;
    const file = join(folder, 'gateway.yaml');
    writeFileSync(file, `links:\n${link('lab-a')}${link('lab-b')}`);
    const { status, stdout, stderr } = await runCli(['check', '-c', file]);
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: `${file}: good, 2 links, with 3 warnings\n`,
    });
    expect(stderr.split('\n').filter((line) => line.includes('m.dbc'))).toEqual([
      `${join(folder, 'm.dbc')}:3:6: warning: M.B shares bits with A in line 2`,
    ]);
  });

  it.each<[string, string, readonly string[]]>([
    [
      'repeats what has no cycle time',
      'transmit: [Once, Again], cyclic: true',
      ['transport.cyclic: Once has no cycle time in the database; it is sent once, when it is set'],
    ],
    [
      'repeats nothing',
      'cyclic: true',
      ['transport.cyclic: does nothing without messages under transmit'],
    ],
    [
      'repeats values sooner than they may come',
      'maxInterval: 999',
      [
        'transport.maxInterval: is less than minInterval, so that values come every 1000 ms at most',
      ],
    ],
    ['is as it should be', 'transmit: [Again], cyclic: true, maxInterval: 1000', []],
    ['does not repeat', 'transmit: [Once], maxInterval: 0', []],
  ])('check warns of a link that %s', async (_what, rest, warnings) => {
    const folder = tempDir();
    const database =
      'BO_ 1 Once: 1 X\nBO_ 2 Again: 1 X\n' +
      'BA_DEF_ BO_ "GenMsgCycleTime" INT 0 10000;\nBA_ "GenMsgCycleTime" BO_ 2 100;\n';
    writeFileSync(join(folder, 'm.dbc'), database);
    const file = join(folder, 'gateway.yaml');
    const transport = `{ type: can-signals, interface: lab-none, database: m.dbc, ${rest} }`;
    writeFileSync(file, `links: [{ name: engine, transport: ${transport} }]\n`);
    const { status, stderr } = await runCli(['check', '-c', file]);
    expect(status).toBe(0);
    const shown = stderr.split('\n').filter((line) => /: warning: (?!at present)/.test(line));
    expect(shown.map((line) => line.replace(/^.*?: links\[0\]\./, ''))).toEqual(
      warnings.map((warning) => warning.replace(':', ': warning:')),
    );
  });

  it('says so when this user may not read the configuration', async () => {
    const file = configFile('links: []\n');
    chmodSync(file, 0o000);
    chmodSync(join(file, '..'), 0o755);
    const isRoot = process.getuid?.() === 0;
    const nobody = isRoot ? { uid: 65534 } : {};
    const userName = isRoot ? ownerName(65534) : userInfo().username;
    const { status, stderr } = await runCli(['check', '-c', file], nobody);
    expect(stderr).toContain(`${file}:1:1: (file): may not be read by user ${userName}`);
    expect(status).toBe(2);
  });

  it('prints the schema that the build has put beside the program', async () => {
    const { status, stdout, stderr } = await runCli(['schema']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual(configJsonSchema());
    expect(readFileSync('dist/gateway.schema.json', 'utf8')).toBe(stdout);
  });

  it('ends without an error when nobody reads its output any more', async () => {
    const cli = new Cli(['schema']);
    cli.child.stdout?.destroy();
    expect(await cli.ended).toBe(0);
    expect(cli.stderr).toBe('');
  });

  it.each([
    ['watch', []],
    ['set', ['pump', 'flow', '1']],
  ])('%s says when the gateway has never run', async (command, args) => {
    const file = configFile('links: []\n');
    const { status, stdout, stderr } = await runCli([command, ...args, '-c', file]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(/^siot-mcu: .* knows no gateway yet: start `siot-mcu run`.*\n$/);
  });

  it('shows where an error came from only when asked to', async () => {
    const args = ['watch', '-c', configFile('links: []\n')];
    expect((await runCli(args)).stderr).not.toMatch(/\n\s+at /);
    expect((await runCli(args, { env: { SIOT_MCU_DEBUG: '1' } })).stderr).toMatch(
      /\n\s+at .*src\/cli\/.*\.ts:/,
    );
  });
});
