import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema, configSchema } from '../../../src/gateway/config/schema.js';
import { YamlSource, type KeyPath } from '../../../src/cli/yaml-source.js';

interface SchemaNode {
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  /** Of entries under names of the user's own. */
  readonly additionalProperties?: SchemaNode | false;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
  readonly type?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly description?: string;
}

const schema = configJsonSchema() as SchemaNode;
const valid = new Ajv({ allErrors: true }).compile(schema);
const example = readFileSync('gateway.example.yaml', 'utf8');

/** The example with all alternatives that stand in comments. */
const uncommented = example
  .split('\n')
  .map((line) => line.replace(/^(\s*)# (\s*)([a-z][A-Za-z\d]*:(?: .*)?)$/, '$1$2$3'))
  .join('\n');

/** Each key of the schema, with the link of the example that shows it. */
function* leaves(node: SchemaNode, path: KeyPath): Generator<[KeyPath, SchemaNode]> {
  if (node.properties !== undefined) {
    for (const [key, inner] of Object.entries(node.properties))
      yield* leaves(inner, [...path, key]);
  } else if (node.additionalProperties) {
    yield* leaves(node.additionalProperties, [...path, 'setpoint']);
  } else if (node.items?.properties !== undefined) {
    yield* leaves(node.items, [...path, 0]);
  } else if (node.oneOf !== undefined) {
    // The links of the example have the transports in the schema's order.
    for (const [index, inner] of node.oneOf.entries())
      yield* leaves(inner, ['links', index, 'transport']);
  } else {
    yield [path, node];
  }
}

const keys = [...leaves(schema, [])].map(([path, node]) => [path.join('.'), path, node] as const);

const lookUp = (value: unknown, path: KeyPath): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown>)[key], value);

describe('gateway.example.yaml', () => {
  const environment = { NATS_TOKEN: 't', NATS_PASSWORD: 'p' };
  const source = new YamlSource(uncommented, environment);

  it('passes our own check and the published JSON Schema', () => {
    const value: unknown = parse(example);
    expect(configSchema.safeParse(value).error).toBeUndefined();
    expect(valid(value), JSON.stringify(valid.errors)).toBe(true);
  });

  it('passes both with all alternatives uncommented', () => {
    expect(source.problems).toEqual([]);
    expect(configSchema.safeParse(source.value).error).toBeUndefined();
    expect(valid(source.value), JSON.stringify(valid.errors)).toBe(true);
  });

  it('has as many keys as the schema', () => {
    expect(keys.length).toBeGreaterThan(40);
  });

  it.each(keys)('shows %s with its default, range and unit', (_name, path, node) => {
    expect(lookUp(source.value, path)).toBeDefined();
    const line = uncommented.split('\n')[source.keyAt(path).line - 1] ?? '';
    expect(line).toContain(String(path.at(-1)));
    const comment = line.slice(line.indexOf(' # '));
    if (node.default !== undefined) {
      const standard =
        typeof node.default === 'object' ? '[]' : JSON.stringify(node.default).replaceAll('"', '');
      expect(comment).toMatch(new RegExp(`default ${escaped(standard)}$`));
    }
    for (const form of node.anyOf ?? [node]) {
      for (const choice of form.enum ?? []) expect(comment).toContain(String(choice));
      if (form.type === 'boolean') expect(comment).toContain('true, false');
      if (form.type !== 'integer') continue;
      expect(comment).toContain(`${String(form.minimum)}…${String(form.maximum)}`);
      const unit = /\((ms|bytes|points|bit\/s)\)/.exec(node.description ?? '')?.[1];
      if (unit !== undefined) expect(comment).toContain(unit);
    }
  });

  it('shows as value the default of each key, except for keys that depend on the site', () => {
    const given = parse(example) as object;
    const particular = [
      'gateway.description',
      'links.0.commands',
      'links.0.node.description',
      'links.3.transport.framing',
      'links.4.transport.transmit',
    ];
    for (const [name, path, node] of keys) {
      if (node.default === undefined || particular.includes(name)) continue;
      if (name === 'nats.embedded') continue;
      // With it a port whose driver has no such mode is not opened.
      if (name.includes('.rs485.')) continue;
      expect([name, lookUp(given, path)]).toEqual([name, node.default]);
    }
  });
});

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');

describe('the published JSON Schema', () => {
  const link = { name: 'a', transport: { type: 'serial', path: '/dev/ttyS0' } };
  const withLink = (changes: object): object => ({ links: [{ ...link, ...changes }] });
  const withSerial = (changes: object): object =>
    withLink({ transport: { ...link.transport, ...changes } });

  it.each<[string, unknown]>([
    ['no links', {}],
    ['links that are no list', { links: {} }],
    ['an unknown key', { links: [], linx: [] }],
    ['an unknown key of a group', { links: [], nats: { server: 'nats://a' } }],
    ['an unknown key of a link', withLink({ transports: {} })],
    ['a link without a name', { links: [{ transport: link.transport }] }],
    ['a link without a transport', { links: [{ name: 'a' }] }],
    ['an empty name', withLink({ name: '' })],
    ['a name with a line break', withLink({ name: 'a\nb' })],
    ['a number for a name', withLink({ name: 5 })],
    ['a transport that is a word', withLink({ transport: 'serial' })],
    ['an unknown transport', withLink({ transport: { type: 'lpt' } })],
    ['a vendor ID that is a number', withLink({ transport: { type: 'usb', vendorId: 2341 } })],
    ['a vendor ID of 3 digits', withLink({ transport: { type: 'usb', vendorId: '403' } })],
    ['a transport without a type', withLink({ transport: { path: '/dev/ttyS0' } })],
    ['a serial port without a path', withLink({ transport: { type: 'serial' } })],
    ['a key of tcp in serial', withSerial({ host: 'a' })],
    ['a baud rate in words', withSerial({ baudRate: 'fast' })],
    ['a baud rate of 0', withSerial({ baudRate: 0 })],
    ['a broken baud rate', withSerial({ baudRate: 9600.5 })],
    ['9 data bits', withSerial({ dataBits: 9 })],
    ['an unknown parity', withSerial({ parity: 'odd!' })],
    ['1.5 stop bits', withSerial({ stopBits: 1.5 })],
    ['a switch in words', withSerial({ rtscts: 'yes' })],
    ['a line state that is a boolean', withSerial({ dtr: true })],
    ['tcp without a port', withLink({ transport: { type: 'tcp', host: 'a' } })],
    ['TCP port 65536', withLink({ transport: { type: 'tcp', host: 'a', port: 65536 } })],
    ['an unknown protocol', withLink({ protocol: 'json' })],
    ['a node ID of two tokens', withLink({ node: { id: 'a.b' } })],
    ['a node ID with a space', withLink({ node: { id: 'a b' } })],
    ['a command with a wildcard', withLink({ commands: ['*'] })],
    ['commands that are a word', withLink({ commands: 'restart' })],
    ['a negative timeout', withLink({ ackTimeoutMs: -1 })],
    ['a timeout with its unit', withLink({ ackTimeoutMs: '1s' })],
    ['an empty value', withLink({ maxFrameLength: null })],
    ['frames too long', withLink({ maxFrameLength: 2_000_000 })],
    ['no room for points', withLink({ maxPoints: 0 })],
    ['an unknown generation', { links: [], siot: { generation: 3 } }],
    ['a generation in quotes', { links: [], siot: { generation: '1' } }],
    ['an unknown store', { links: [], siot: { store: 'yes' } }],
    ['a parent with a dot', { links: [], siot: { parent: 'a.b' } }],
    ['a server of another kind', { links: [], nats: { servers: 'http://a' } }],
    ['a server with a password', { links: [], nats: { servers: 'nats://u:p@a' } }],
    ['no server in the list', { links: [], nats: { servers: [] } }],
    ['an empty token', { links: [], nats: { token: '' } }],
    ['an unknown key of tls', { links: [], nats: { tls: { ca: './ca.pem' } } }],
    ['an unknown log level', { links: [], log: { level: 'trace' } }],
    ['too small an outbox', { links: [], outbox: { maxBytes: 1 } }],
  ])('refuses %s, as our own check does', (_what, config) => {
    expect(valid(config)).toBe(false);
    expect(configSchema.safeParse(config).success).toBe(false);
  });

  it.each<[string, unknown]>([
    ['a link with no more than it must have', withLink({})],
    ['no links at all', { links: [] }],
    [
      'several servers',
      { links: [], nats: { servers: ['nats://a:4222', 'tls://[::1]:4222', 'b'] } },
    ],
    ['an embedded server on its own port', { links: [], nats: { embedded: { port: 4222 } } }],
    ['a custom baud rate', withSerial({ baudRate: 250_001 })],
    ['a name with spaces and accents', withLink({ name: 'Pumpe Süd 2' })],
  ])('takes %s, as our own check does', (_what, config) => {
    expect(valid(config), JSON.stringify(valid.errors)).toBe(true);
    expect(configSchema.safeParse(config).error).toBeUndefined();
  });

  it('lets editors take variables where numbers, switches and choices stand', () => {
    const config = withSerial({ baudRate: '${BAUD}', rtscts: '${FLOW}', parity: '${PARITY}' });
    expect(valid(config), JSON.stringify(valid.errors)).toBe(true);
    expect(valid(withSerial({ baudRate: '${BAUD}0' }))).toBe(false);
  });

  it('describes every key', () => {
    for (const [name, , node] of keys)
      expect([name, node.description ?? '']).not.toEqual([name, '']);
  });
});
