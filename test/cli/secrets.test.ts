/** No command shows a piece of a secret, wherever somebody has put it (docs/contract.md, 'Configuration'). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readConfigFile } from '../../src/cli/config-file.js';
import { shownServer } from '../../src/siot/connection/server-text.js';
import { NatsServer } from '../../src/siot/connection/nats-server.js';
import { Cli, runCli } from '../support/cli.js';
import { tempDir } from '../support/temp-dir.js';
import { ConfigFileError } from '../../src/cli/errors.js';

/** No message of ours has two of these within four characters. */
const LETTERS = 'QXZJKVWЖß'.split('');
const SIGNS = '/@#?:%&=+[]{}(),;.*!|<>\'"`\\ $7-_~^'.split('');
const isLetter = (character: string): boolean => LETTERS.includes(character);

const secrets = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.constantFrom(...LETTERS) },
      { weight: 2, arbitrary: fc.constantFrom(...SIGNS) },
      { weight: 1, arbitrary: fc.constantFrom('://', '${', '@@', '%2F', '?token=', '//', ' #') },
    ),
    { minLength: 4, maxLength: 20 },
  )
  .map((parts) => parts.join(''))
  .filter((secret) => secret.split('').filter(isLetter).length >= 3);

/** Pieces of four characters that can only come from the secret. */
function* piecesOf(secret: string): Generator<string> {
  for (const form of new Set([
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
  ])) {
    for (let start = 0; start + 4 <= form.length; start++) {
      const piece = form.slice(start, start + 4);
      if (piece.split('').filter(isLetter).length >= 2) yield piece;
    }
  }
}

function expectHidden(output: string, secret: string): void {
  for (const piece of piecesOf(secret)) {
    if (output.includes(piece)) throw new Error(`${secret} is shown, as ${piece}, in: ${output}`);
  }
}

/** What people write for a server with a secret in it, malformed in each way. */
const SERVERS: readonly ((secret: string) => string)[] = [
  (secret) => `nats://user:${secret}@host:4222`,
  (secret) => `nats://${secret}@host:4222`,
  (secret) => `tls://user:${encodeURIComponent(secret)}@host:4222`,
  (secret) => `nats://user:${secret}@@host`,
  (secret) => `nats://a@b:${secret}@host:99999/x`,
  (secret) => `nats://host:4222?token=${secret}`,
  (secret) => `nats://host:4222/?token=${encodeURIComponent(secret)}`,
  (secret) => `host?auth_token=${secret}`,
  (secret) => `nats://host/${secret}`,
  (secret) => `nats://host#${secret}`,
  (secret) => `nats://[::1:${secret}@host`,
  (secret) => `nats:user:${secret}@host`,
  (secret) => `nats:///user:${secret}@host`,
  (secret) => `user:${secret}@host`,
  (secret) => `user:${secret}`,
  (secret) => `wss://user:${secret}@host`,
  (secret) => `${secret}://user@host`,
  (secret) => `nats://user@${secret}`,
];

const COMMANDS = [['check'], ['run'], ['set', 'pump', 'setpoint', '1'], ['watch']];

/** What all commands say of this configuration, from the same place. */
function problemsOf(file: string): string {
  try {
    readConfigFile(file, {});
  } catch (error) {
    if (error instanceof ConfigFileError) return error.message;
    throw error;
  }
  return '';
}

const withServers = (secret: string): string =>
  JSON.stringify({ nats: { servers: SERVERS.map((form) => form(secret)) }, links: [] });
const ADVICE = 'keys of their own (user, password)';

describe('a secret in nats.servers', () => {
  it('is not shown, however it is written, and the message says where it belongs', () => {
    const file = join(tempDir(), 'gateway.yaml');
    fc.assert(
      fc.property(secrets, (secret) => {
        writeFileSync(file, withServers(secret));
        const problems = problemsOf(file);
        const advised = problems.split('\n').filter((line) => line.includes(ADVICE));
        // Of a variable that is not set, that is said first.
        if (!secret.includes('${')) expect(advised.length).toBeGreaterThan(10);
        expectHidden(problems, secret);
      }),
      // Found once by chance: what looks like a variable in the place of a path or a port.
      { numRuns: 150, examples: [['${QQQ/}'], ['${/QQ}Q'], ['${QQQQ}']] },
    );
  });

  it('names a variable that stands for a whole host', () => {
    const file = join(tempDir(), 'gateway.yaml');
    writeFileSync(file, 'nats: { servers: "nats://${SIOT_HOST}:4222" }\nlinks: []\n');
    expect(problemsOf(file)).toContain('the environment variable SIOT_HOST is not set');
  });

  it('is not shown where YAML reads it as something else, or where it stands in place of a key', () => {
    const file = join(tempDir(), 'gateway.yaml');
    fc.assert(
      fc.property(secrets, (secret) => {
        const url = `nats://user:${secret}@host:4222`;
        const texts = [
          `links: []\nnats:\n  servers: ${url}\n  x: 1\n`,
          `links: []\nnats:\n  servers: [${url}]\n  x: 1\n`,
          `links: []\nnats: { servers: "${url}", x: 1 }\n`,
          `links: []\nnats:\n  ? ${JSON.stringify(url)}\n  : 1\n`,
          `links: []\nnats:\n  servers: '${url}'\n  password: ${secret}\n  x: 1\n`,
          `links: []\nnats:\n  token: *${secret}\n`,
          `links: []\nnats:\n  token: ${JSON.stringify(`${secret}\${${secret}}`)}\n  x: 1\n`,
          ...[':', '=', ' '].map((sign) => `links: []\nnats:\n  token${sign}${secret}\n`),
          `links:\n- password:${secret}\n`,
        ];
        for (const text of texts) {
          writeFileSync(file, text);
          expectHidden(problemsOf(file), secret);
        }
      }),
      // Found once by chance: what looks like a variable behind `token:`.
      { numRuns: 50, examples: [['${QQ://://}Q']] },
    );
  });

  it('is not shown where a space is missing after a key, and the missing space is reported', () => {
    const file = join(tempDir(), 'gateway.yaml');
    writeFileSync(file, 'links: []\nnats:\n  password:QXZJKV\n');
    expect(problemsOf(file)).toContain(
      ':3:3: nats: "password…" without ": " after the key is not allowed; give the keys servers, ',
    );
    expectHidden(problemsOf(file), 'QXZJKV');
  });

  it('is shown by none of the programs', { timeout: 60_000 }, async () => {
    const file = join(tempDir(), 'gateway.yaml');
    const secret = 'QX/ZJ@KV#W?Q:X';
    writeFileSync(file, withServers(secret));
    for (const command of COMMANDS) {
      const { status, stdout, stderr } = await runCli([...command, '-c', file]);
      expect(status).toBe(2);
      expect(stderr).toContain(ADVICE);
      expectHidden(stdout + stderr, secret);
    }
  });

  it.each([
    'nats://127.0.0.1:4222',
    'tls://[::1]:4222',
    'nats.example.org',
    'ftp://b',
    'http://a:80/',
  ])('is not assumed in a valid address: %s', (server) => {
    expect(shownServer(server)).toBe(server);
  });
});

describe('a secret in its own key', () => {
  const AWKWARD = 'QX/ZJ@KV#W?Q:X%2FZ"J\\K V${QXZJ}';

  /** A nats-server that wants this user, a daemon and the file of its configuration. */
  async function site(password: string, given: string): Promise<{ daemon: Cli; file: string }> {
    const folder = tempDir();
    const conf = join(folder, 'nats.conf');
    writeFileSync(conf, `authorization { user: u, password: ${JSON.stringify(password)} }`);
    const nats = await NatsServer.start({ args: ['-c', conf] });
    const file = join(folder, 'gateway.yaml');
    const document = {
      nats: { servers: nats.url, user: 'u', password: given.replaceAll('${', () => '$${') },
      links: [{ name: 'pump', transport: { type: 'serial', path: './none' } }],
    };
    writeFileSync(file, JSON.stringify(document));
    const daemon = new Cli(['run', '-c', file]);
    void daemon.ended.then(() => nats.stop());
    return { daemon, file };
  }

  it('works with any characters', async () => {
    const { daemon, file } = await site(AWKWARD, AWKWARD);
    await daemon.said(/connected to NATS/);
    const watch = new Cli(['watch', '-c', file]);
    await watch.said(/^NATS: connected/m, 'stdout');
    daemon.child.kill('SIGTERM');
    await watch.said(/NATS/, 'stdout');
    expectHidden(daemon.stdout + daemon.stderr + watch.stdout + watch.stderr, AWKWARD);
  });

  it('is not shown when the server refuses it', async () => {
    const { daemon, file } = await site('another', AWKWARD);
    await daemon.said(/refuses nats\.user and nats\.password/);
    const said = [daemon.stdout + daemon.stderr];
    for (const command of [['set', 'pump', 'setpoint', '1'], ['watch', '--json'], ['watch']]) {
      const { status, stdout, stderr } = await runCli([...command, '-c', file]);
      expect(status).toBe(1);
      expect(stderr).toContain('refuses nats.user and nats.password');
      said.push(stdout + stderr);
    }
    expectHidden(said.join(''), AWKWARD);
  });
});
