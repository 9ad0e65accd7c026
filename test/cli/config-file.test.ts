import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readConfigFile } from '../../src/cli/config-file.js';
import { uuidV5 } from '../../src/gateway/state/uuid.js';
import { tempDir } from '../support/temp-dir.js';
import { ConfigFileError } from '../../src/cli/errors.js';

/** Reads this text as a file; the problems without the folder's name, or none. */
function problemsOf(
  text: string | Uint8Array,
  { env = {}, files = {} }: { env?: Record<string, string>; files?: Record<string, string> } = {},
): readonly string[] {
  const folder = tempDir();
  const file = join(folder, 'gw.yaml');
  writeFileSync(file, text);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  try {
    readConfigFile(file, env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    return error.problems.map((line) => line.replaceAll(`${folder}/`, ''));
  }
}

function read(text: string, env: Record<string, string> = {}) {
  const file = join(tempDir(), 'gw.yaml');
  writeFileSync(file, text);
  return readConfigFile(file, env);
}

const SERIAL = '{ type: serial, path: /dev/ttyS0 }';
const CAN = '{ type: can, interface: can0, txId: 0x123, rxId: 0x124 }';
const TCP = '{ type: tcp, host: h, port: 1 }';
const link = (rest: string): string => `links:\n  - name: a\n    transport: ${TCP}\n    ${rest}\n`;
const serialLink = (rest: string): string =>
  `links:\n  - name: a\n    transport: { type: serial, path: /dev/ttyS0, ${rest} }\n`;
const NONE = 'links: []\n';

describe('each error in the configuration is reported with line, key and remedy', () => {
  it.each<[string, string, readonly string[]]>([
    ['an empty file', '', ['gw.yaml:1:1: (file): is empty; gateway.example.yaml']],
    ['comments only', '# nothing\n', ['gw.yaml:1:1: (file): is empty;']],
    ['a word', 'hello\n', ['gw.yaml:1:1: (file): is no group of keys;']],
    ['a list', '- a\n', ['gw.yaml:1:1: (file): is no group of keys;']],
    ['no links', 'log: {}\n', ['gw.yaml:1:1: links: is missing; give a list of links']],
    ['links without a list', 'links:\n', ['gw.yaml:1:7: links: is empty; give a list']],
    [
      'links that are a group',
      'links: { name: a }\n',
      ['gw.yaml:1:8: links: a group of keys is not allowed; give a list of links'],
    ],
    [
      'an unknown key',
      `${NONE}natz: {}\n`,
      ['gw.yaml:2:1: natz: unknown key; did you mean nats? (known here: nats, siot'],
    ],
    [
      'an unknown key that is near to none',
      `${NONE}colour: red\n`,
      ['gw.yaml:2:1: colour: unknown key; known here: nats, siot, gateway'],
    ],
    [
      'a key in the wrong case',
      link('ackTimeoutMS: 5'),
      ['gw.yaml:4:5: links[0].ackTimeoutMS: unknown key; did you mean ackTimeoutMs?'],
    ],
    [
      'several unknown keys',
      `${NONE}nats:\n  server: nats://a\n  tokenfile: x\n`,
      [
        'gw.yaml:3:3: nats.server: unknown key; did you mean servers?',
        'gw.yaml:4:3: nats.tokenfile: unknown key; did you mean tokenFile?',
      ],
    ],
    ['a key __proto__', `${NONE}__proto__: 1\n`, ['gw.yaml:2:1: __proto__: unknown key;']],
    ['a key constructor', `${NONE}nats: { constructor: 1 }\n`, ['nats.constructor: unknown key;']],
    ['a key twice', `${NONE}log: {}\nlog: {}\n`, ['gw.yaml:3:1: log: is there twice; keep one']],
    ['a key that is a list', `${NONE}? [1]\n: 2\n`, ['(file): has a key that is no word']],
    [
      'an empty link',
      'links:\n  -\n',
      ['links[0]: is empty; give the keys name, transport, protocol'],
    ],
    [
      'a link that is a word',
      'links: [pump]\n',
      ['gw.yaml:1:9: links[0]: "pump" is not allowed; give the keys name, transport'],
    ],
    [
      'a link without a name',
      `links:\n  - transport: ${TCP}\n`,
      ['gw.yaml:2:5: links[0].name: is missing; give a name of 1 to 64 characters'],
    ],
    [
      'an empty name',
      `links:\n  - name: ""\n    transport: ${TCP}\n`,
      ['gw.yaml:2:11: links[0].name: is empty; give a name'],
    ],
    [
      'a name that is a number',
      `links:\n  - name: 12\n    transport: ${TCP}\n`,
      ['gw.yaml:2:11: links[0].name: 12 is not text; put it in quotes'],
    ],
    [
      'a name with a space at its end',
      `links:\n  - name: "a "\n    transport: ${TCP}\n`,
      ['gw.yaml:2:11: links[0].name: begins or ends with a space; take it out'],
    ],
    [
      'one name twice',
      `links:\n  - { name: a, transport: ${TCP} }\n  - { name: a, transport: ${SERIAL} }\n`,
      ['gw.yaml:3:13: links[1].name: is also the name of links[0]; each link needs'],
    ],
    [
      'one name twice, composed and decomposed',
      `links:\n  - { name: "\\u00e4", transport: ${TCP} }\n  - { name: "a\\u0308", transport: ${SERIAL} }\n`,
      ['links[1].name: is also the name of links[0]'],
    ],
    [
      'one serial port twice',
      `links:\n  - { name: a, transport: ${SERIAL} }\n  - { name: b, transport: ${SERIAL} }\n`,
      ['gw.yaml:3:49: links[1].transport.path: is also the port of links[0]; a port has one link'],
    ],
    [
      'no transport',
      'links:\n  - name: a\n',
      [
        'gw.yaml:2:5: links[0].transport: is missing; give a group of keys with type: serial, usb, tcp, can or can-signals',
      ],
    ],
    [
      'a transport that is a word',
      'links:\n  - name: a\n    transport: tcp\n',
      ['gw.yaml:3:16: links[0].transport: "tcp" is not allowed; give a group of keys with type:'],
    ],
    [
      'a transport without a type',
      'links:\n  - name: a\n    transport: { host: h, port: 1 }\n',
      [
        'gw.yaml:3:5: links[0].transport.type: is missing; give serial, usb, tcp, can or can-signals',
      ],
    ],
    [
      'an unknown transport',
      'links:\n  - name: a\n    transport: { type: lpt }\n',
      [
        'gw.yaml:3:24: links[0].transport.type: "lpt" is not allowed; give serial, usb, tcp, can or can-signals',
      ],
    ],
    [
      'a key of tcp in serial',
      'links:\n  - name: a\n    transport: { type: serial, path: /dev/a, host: h }\n',
      ['gw.yaml:3:46: links[0].transport.host: is a key of type: tcp; take it out'],
    ],
    [
      'a key of serial in tcp',
      'links:\n  - name: a\n    transport: { type: tcp, host: h, port: 1, baudRate: 9600 }\n',
      ['links[0].transport.baudRate: is a key of type: serial; take it out'],
    ],
    ...(
      [
        ['an identifier of 30 bits', 'rxId: 0x20000000', 'whole number from 0 to 536870911'],
        ['one identifier both ways', 'rxId: 0x123', 'is the same as txId'],
        ['rate switch without fd', 'rxId: 1, bitRateSwitch: true', 'needs fd: true'],
        ['isotp without its framing', 'rxId: 1, isotp: {}', 'needs framing: isotp beside it'],
        ['an interface with a slash', 'rxId: 1, interface: a/b', 'a CAN interface, such as can0'],
        [
          'half an address',
          'rxId: 1, framing: isotp, isotp: { txAddress: 1 }',
          'isotp.txAddress: needs rxAddress',
        ],
        [
          'long frames without fd',
          'rxId: 1, framing: isotp, isotp: { frameLength: 64 }',
          'isotp.frameLength: needs fd: true',
        ],
        [
          'an STmin that has no code',
          'rxId: 1, framing: isotp, isotp: { stMin: 1.5 }',
          '0 to 127 whole, or 0.1 to 0.9',
        ],
        ['a key of serial in can', 'rxId: 1, baudRate: 9600', 'is a key of type: serial'],
      ] as const
    ).map(([what, keys, expected]): [string, string, string[]] => [
      what,
      `links:\n  - name: a\n    transport: { type: can, txId: 0x123, ${
        keys.includes('interface') ? '' : 'interface: can0, '
      }${keys} }\n`,
      [expected],
    ]),
    [
      'one identifier for two devices',
      `links:\n  - { name: a, transport: ${CAN} }\n  - { name: b, transport: ${CAN} }\n`,
      ['links[1].transport.rxId: is also the rxId of links[0]', 'links[1].transport.txId: is also'],
    ],
    [
      'one identifier with and without addresses',
      `links:\n  - name: a\n    transport: { type: can, interface: can0, txId: 1, rxId: 2, framing: isotp }\n` +
        `  - name: b\n    transport: { type: can, interface: can0, txId: 3, rxId: 2, framing: isotp, isotp: { txAddress: 1, rxAddress: 2 } }\n`,
      [
        'gw.yaml:5:61: links[1].transport.rxId: is also the rxId of links[0], which has no addresses: one of them would take the address of a frame for data; give addresses to both',
      ],
    ],
    ...(
      [
        ['equal', "vendorId: '2E8A'", "vendorId: '2e8a'", 'takes the same devices as links[0]'],
        ['a part', "product: 'P*'", "product: 'Pico', vendorId: '0001'", 'takes only devices that'],
        ['wider', "product: 'Pico'", "product: '*i*'", 'takes all devices of links[0] as well'],
        ['any', "vendorId: '0001'", "serialNumber: '*'", 'takes all devices of links[0] as well'],
      ] as const
    ).map(([what, first, second, expected]): [string, string, string[]] => [
      `two usb links for the same devices: ${what}`,
      `links:\n  - { name: a, transport: { type: usb, ${first} } }\n  - { name: b, transport: { type: usb, ${second} } }\n`,
      [`gw.yaml:3:27: links[1].transport: ${expected}`],
    ]),
    [
      'a longer packet than ISO-TP carries',
      `links:\n  - name: a\n    maxFrameLength: 5000\n    transport: { type: can, interface: can0, txId: 1, rxId: 2, framing: isotp }\n`,
      ['links[0].maxFrameLength: is more than ISO-TP carries without fd; give 4095 or less'],
    ],
    [
      'a serial port without a path',
      'links:\n  - name: a\n    transport: { type: serial }\n',
      ['links[0].transport.path: is missing; give the path of the port'],
    ],
    [
      'a baud rate in words',
      'links:\n  - name: a\n    transport: { type: serial, path: /dev/a, baudRate: 9600 baud }\n',
      ['"9600 baud" is not allowed; give a whole number from 50 to 20000000 (bit/s)'],
    ],
    [
      'a parity of SIOT’s kind',
      'links:\n  - name: a\n    transport: { type: serial, path: /dev/a, parity: N }\n',
      ['links[0].transport.parity: "N" is not allowed; give none, even or odd'],
    ],
    [
      'a switch in words',
      'links:\n  - name: a\n    transport: { type: serial, path: /dev/a, rtscts: yes }\n',
      ['links[0].transport.rtscts: "yes" is not allowed; give true or false'],
    ],
    [
      'a host with its port',
      'links:\n  - name: a\n    transport: { type: tcp, host: "http://h", port: 1 }\n',
      ['links[0].transport.host: "http://h" is not allowed; give a host name or IP address'],
    ],
    [
      'TCP port 0',
      'links:\n  - name: a\n    transport: { type: tcp, host: h, port: 0 }\n',
      ['links[0].transport.port: 0 is not allowed; give a whole number from 1 to 65535'],
    ],
    [
      'an unknown protocol',
      link('protocol: json'),
      [
        'gw.yaml:4:15: links[0].protocol: "json" is not allowed; give auto, protobuf, compact or shell',
      ],
    ],
    [
      'a shell on CAN',
      'links:\n  - name: a\n    protocol: shell\n    transport: { type: can, interface: can0, txId: 1, rxId: 2 }\n',
      ['links[0].protocol: shell needs a transport of type serial, usb or tcp: CAN has no console'],
    ],
    [
      'a timeout with a unit',
      link('ackTimeoutMs: 1s'),
      [
        'gw.yaml:4:19: links[0].ackTimeoutMs: "1s" is not allowed; give a whole number from 10 to 60000 (ms)',
      ],
    ],
    [
      'a timeout of half a millisecond',
      link('ackTimeoutMs: 100.5'),
      ['links[0].ackTimeoutMs: 100.5 is not allowed; give a whole number'],
    ],
    [
      'a silence below 0',
      link('silenceTimeoutMs: -1'),
      ['-1 is not allowed; give a whole number from 0 to 86400000 (ms; 0 = never)'],
    ],
    ['an empty value', link('maxPoints:'), ['links[0].maxPoints: is empty; give a whole number']],
    [
      'commands that are a word',
      link('commands: restart'),
      ['gw.yaml:4:15: links[0].commands: "restart" is not allowed; give a list of point types'],
    ],
    [
      'a command with a space',
      link('commands: [re start]'),
      ['links[0].commands[0]: "re start" is not allowed; give one subject token'],
    ],
    [
      'a command twice',
      link('commands: [a, b, a]'),
      ['gw.yaml:4:22: links[0].commands[2]: is the same as commands[0]; take one out'],
    ],
    [
      'a command of the gateway',
      link('commands: [disabled]'),
      ['links[0].commands[0]: "disabled" is the gateway\'s own point and never sent'],
    ],
    [
      'a command that is never sent',
      link('commands: [description]'),
      ['links[0].commands[0]: "description" is never sent to a device; take it out'],
    ],
    [
      'a node ID of two tokens',
      link('node: { id: a.b }'),
      ['gw.yaml:4:17: links[0].node.id: "a.b" is not allowed; give one subject token'],
    ],
    [
      'a node ID that means something else',
      link('node: { id: root }'),
      ['links[0].node.id: "root" means something else to SIOT; give another ID'],
    ],
    [
      'a node under itself',
      `siot: { parent: x }\n${link('node: { id: x }')}`,
      ['links[0].node.id: is also siot.parent; a node cannot be under itself'],
    ],
    [
      'one node ID twice',
      `links:\n  - { name: a, transport: ${TCP}, node: { id: x } }\n  - { name: b, transport: ${SERIAL}, node: { id: x } }\n`,
      ['links[1].node.id: is also the node of links[0]; each link needs a node of its own'],
    ],
    [
      'an unknown generation',
      `${NONE}siot: { generation: 3 }\n`,
      ['gw.yaml:2:21: siot.generation: 3 is not allowed; give auto, 1 or 2'],
    ],
    [
      'an unknown store',
      `${NONE}siot: { store: yes }\n`,
      ['siot.store: "yes" is not allowed; give auto, required or none'],
    ],
    [
      'a parent that is no ID',
      `${NONE}siot: { parent: all }\n`,
      ['siot.parent: "all" is no node\'s ID; give the ID of a node, or root'],
    ],
    [
      'a server of another kind',
      `${NONE}nats: { servers: "http://a" }\n`,
      ['gw.yaml:2:18: nats.servers: "http://a" is not allowed; give a server as nats://HOST:PORT'],
    ],
    [
      'a wrong server among good ones',
      `${NONE}nats:\n  servers:\n    - nats://a\n    - ftp://b\n`,
      ['gw.yaml:5:7: nats.servers[1]: "ftp://b" is not allowed; give a server as'],
    ],
    [
      'a server twice',
      `${NONE}nats: { servers: [a, a] }\n`,
      ['nats.servers[1]: is the same as nats.servers[0]; take one out'],
    ],
    [
      'a port too high',
      `${NONE}nats: { servers: "a:70000" }\n`,
      ['port 70000 does not exist; give'],
    ],
    [
      'a port of the embedded server that does not exist',
      `${NONE}nats: { embedded: { port: 70000 } }\n`,
      [
        'gw.yaml:2:27: nats.embedded.port: 70000 is not allowed; give a whole number from 1 to 65535',
      ],
    ],
    [
      'an unknown key of the embedded server',
      `${NONE}nats: { embedded: { prt: 1 } }\n`,
      ['gw.yaml:2:21: nats.embedded.prt: unknown key; did you mean port?'],
    ],
    [
      'an embedded server that is a word',
      `${NONE}nats: { embedded: yes }\n`,
      ['nats.embedded: "yes" is not allowed; give true, false or a group with port'],
    ],
    [
      'a token beside an embedded server with a port',
      `${NONE}nats: { embedded: { port: 4222 }, token: t }\n`,
      ['nats.token: does not go with embedded'],
    ],
    ['no server', `${NONE}nats: { servers: [] }\n`, ['nats.servers: is an empty list']],
    ['a server that is empty', `${NONE}nats: { servers: }\n`, ['nats.servers: is empty; give']],
    [
      'two ways to log in',
      `${NONE}nats:\n  user: u\n  password: p\n  token: t\n`,
      ['nats.user: is a second way to log in beside token; keep one of them'],
    ],
    [
      'a user without a password',
      `${NONE}nats: { user: u }\n`,
      ['nats.user: has no password; add'],
    ],
    [
      'a password without a user',
      `${NONE}nats: { password: p }\n`,
      ['nats.password: has no user;'],
    ],
    ['an empty token', `${NONE}nats: { token: "" }\n`, ['nats.token: is empty; give the secret']],
    [
      'a token that is a number',
      `${NONE}nats: { token: 12 }\n`,
      ['nats.token: is not text; put it'],
    ],
    [
      'servers beside an embedded one',
      `${NONE}nats: { embedded: true, servers: a, token: t }\n`,
      [
        'nats.servers: does not go with embedded, a private server',
        'nats.token: does not go with embedded, a private server',
      ],
    ],
    [
      'a state directory of the shell',
      `${NONE}stateDir: ~/state\n`,
      ['gw.yaml:2:11: stateDir: ~ is not a folder here; write ${HOME} instead'],
    ],
    [
      'a state directory that is a file',
      `${NONE}stateDir: gw.yaml\n`,
      ['"gw.yaml" is no folder; name'],
    ],
    [
      'an unknown level',
      `${NONE}log: { level: trace }\n`,
      ['log.level: "trace" is not allowed; give debug, info, warn or error'],
    ],
    [
      'an outbox too small',
      `${NONE}outbox: { maxBytes: 1 }\n`,
      ['from 65536 to 4294967296 (bytes)'],
    ],
    ['an unset variable', `${NONE}stateDir: \${NOPE}/x\n`, ['variable NOPE is not set; set it']],
    ['a variable in a flow group', link('node: { id: ${NOPE} }'), ['variable NOPE is not set']],
    ['a variable left open', `${NONE}stateDir: "\${NOPE"\n`, ['stateDir: ${ has no closing };']],
    [
      'no name of a variable',
      `${NONE}stateDir: "\${1x}"\n`,
      ['${1x} names no environment variable'],
    ],
    [
      'a variable that is no number',
      link('maxPoints: ${WORD}'),
      ['links[0].maxPoints: "word" is not allowed; give a whole number'],
    ],
    [
      'limits of a point that exclude each other',
      link('points: { temp: { min: 5, max: 1 } }'),
      ['links[0].points.temp.min: 5 is more than max, 1; give the smaller one'],
    ],
    [
      'a point of the gateway’s own among those of the device',
      link('points: { gatewayCount: { unit: x } }'),
      ['links[0].points.gatewayCount: "gatewayCount" is the gateway\'s own point; take it out'],
    ],
    [
      'a limit of a switch',
      link('points: { pump: { kind: switch, max: 3 } }'),
      [
        'links[0].points.pump.max: goes with numbers only, and kind is switch; take one of them out',
      ],
    ],
    [
      'a text among numbers',
      link('points: { mode: { kind: text, values: [auto, 1] } }'),
      ['links[0].points.mode.values: has a number, and the point is text; put it in quotes'],
    ],
    [
      'more points than the link may have',
      link('maxPoints: 1\n    points: { a: { unit: x }, b: { unit: y } }'),
      ['links[0].points: has 2 entries, and the link at most 1 points; raise maxPoints'],
    ],
    [
      'one level of RTS for both directions',
      serialLink('rs485: { rtsOnSend: false }'),
      ['gw.yaml:3:70: links[0].transport.rs485.rtsOnSend: must differ from the other level of RTS'],
    ],
    [
      'a delay that the kernel does not take',
      serialLink('rs485: { delayRtsAfterSendMs: 101 }'),
      [
        'links[0].transport.rs485.delayRtsAfterSendMs: 101 is not allowed; give a whole number from 0 to 100',
      ],
    ],
    [
      'RTS for the direction and for flow control',
      serialLink('rtscts: true, rts: on, rs485: {}'),
      [
        'links[0].transport.rtscts: does not go with rs485, which switches RTS itself',
        'links[0].transport.rts: does not go with rs485, which switches RTS itself; leave it at leave',
      ],
    ],
    [
      'RS-485 of a USB board',
      'links:\n  - name: a\n    transport: { type: usb, vendorId: "0403", rs485: {} }\n',
      [
        'links[0].transport.rs485: is a key of type: serial (adapters on USB switch the direction by themselves)',
      ],
    ],
    ['a tab', 'links:\n\t- name: a\n', ['gw.yaml:2:1: (syntax): a tab where spaces belong;']],
    ['an open bracket', 'links: [\n', ['(syntax): ']],
    ['an open quote', 'stateDir: "x\nlinks: []\n', ['(syntax): ']],
    [
      'a key a column off',
      'links:\n  - name: a\n   transport: x\n',
      [
        'gw.yaml:3:4: (syntax): wrong indentation: "transport" begins in column 4; begin it in column 5, as "name" in line 2, or in column 1, as "links" in line 1',
      ],
    ],
    [
      'keys of a group that are not below it',
      'links:\n  - name: a\n    transport:\n    type: serial\n',
      [
        'gw.yaml:3:15: links[0].transport: is empty',
        'gw.yaml:4:5: links[0].type: unknown key; known here: name,',
        ', or wrong indentation: if it belongs to transport, which is empty, begin it deeper',
      ],
    ],
    [
      'a list item without a space',
      'links:\n  -name: a\n',
      ['gw.yaml:2:3: links: a list item has a space after its -'],
    ],
    ['a second document', `${NONE}---\nlog: {}\n`, ['(syntax): a second document begins here;']],
    ['a tag', `${NONE}stateDir: !path x\n`, ['(syntax): tags (!…) have no meaning here']],
    ['an anchor in itself', `${NONE}log: &a { level: *a }\n`, ['log.level: *a cannot be followed']],
    ['an unknown anchor', `${NONE}log: *a\n`, ['log: no anchor (&…) of this name']],
  ])('%s', (_what, text, expected) => {
    const problems = problemsOf(text, { env: { WORD: 'word' } });
    for (const part of expected) expect(problems.join('\n')).toContain(part);
    for (const line of problems) expect(line).toMatch(/^gw\.yaml:\d+:\d+: \S.*: \S/);
    expect(problems.length).toBeLessThanOrEqual(Math.max(expected.length, 3));
  });

  it('all errors are reported at once, in the order of the file', () => {
    const lines = problemsOf(
      `nats: { embeded: true }\nlinks:\n  - name: a\n    transport: { type: x }\n  - name: a\nlog: { level: 1 }\n`,
    );
    expect(lines.map((line) => line.replace(/: .*/, ''))).toEqual([
      'gw.yaml:1:9',
      'gw.yaml:4:24',
      'gw.yaml:5:5',
      'gw.yaml:5:11',
      'gw.yaml:6:15',
    ]);
  });

  it('takes a bundle of certificates as large as systems have, and no file that cannot be one', () => {
    const text = `${NONE}nats: { tls: { caFile: f } }\n`;
    const block = `-----BEGIN CERTIFICATE-----\n${'A'.repeat(1_900)}\n-----END CERTIFICATE-----\n`;
    expect(problemsOf(text, { files: { f: block.repeat(300) } })).toEqual([]);
    expect(problemsOf(text, { files: { f: block.repeat(2_300) } })).toEqual([
      'gw.yaml:2:24: nats.tls.caFile: f is larger than 4194304 bytes; is it the right file?',
    ]);
  });

  it('a secret is never shown', () => {
    const text = `${NONE}nats:\n  servers: [nats://u:hush@h, a]\n  token: [hush]\n  password: 5555\n  tokenFile: f\n`;
    const lines = problemsOf(text, { files: { f: 'hush\nhush\n' } }).join('\n');
    expect(lines).toContain('nats.tokenFile');
    expect(lines).not.toMatch(/hush|5555/);
  });
});

describe('a file that cannot be read', () => {
  const failure = (file: string): string => {
    try {
      readConfigFile(file, {});
    } catch (error) {
      if (error instanceof ConfigFileError) return error.problems.join('\n');
    }
    throw new Error('nothing went wrong');
  };

  it('does not exist', () => {
    expect(failure('/nowhere/gw.yaml')).toBe(
      '/nowhere/gw.yaml:1:1: (file): does not exist; check the name',
    );
  });

  it('is a folder', () => {
    expect(failure(tempDir())).toContain('(file): is a folder; name a file');
  });

  it.each<[string, Uint8Array, string]>([
    ['UTF-16', Buffer.from('\ufefflinks: []\n', 'utf16le'), 'gw.yaml:1:1: (file): is in UTF-16;'],
    [
      'Latin-1',
      Buffer.from('links: []\n# \xe4\n', 'latin1'),
      'gw.yaml:2:1: (file): has bytes that',
    ],
    ['binary', Buffer.from('links: []\n\0'), 'gw.yaml:2:1: (file): is no text file: it has a NUL'],
    ['too large', Buffer.alloc(1_048_577, '#'), '(file): is larger than 1048576 bytes;'],
  ])('is %s', (_what, bytes, expected) => {
    expect(problemsOf(bytes).join('\n')).toContain(expected);
  });

  it('may have a byte order mark and Windows line ends', () => {
    expect(problemsOf('\ufefflinks: []\r\nlog: { level: warn }\r\n')).toEqual([]);
  });
});

describe('the configuration as it is read', () => {
  it('has every default', () => {
    const { links, ...rest } = read(link(''));
    expect(rest).toMatchObject({
      nats: { embedded: false, settings: { servers: ['nats://127.0.0.1:4222'] } },
      siot: { generation: 'auto', store: 'auto', parent: 'root' },
      gateway: { maxPoints: 20000 },
      outbox: { maxBytes: 268435456, durability: 'disk' },
      log: { level: 'info' },
    });
    expect(links).toEqual([
      {
        name: 'a',
        transport: { type: 'tcp', host: 'h', port: 1 },
        protocol: 'auto',
        node: { type: 'mcu', description: 'a' },
        commands: [],
        restore: true,
        ackTimeoutMs: 1000,
        maxFrameLength: 1024,
        silenceTimeoutMs: 0,
        backlog: 'all',
        maxPoints: 5000,
        points: {},
      },
    ]);
  });

  it('has variables replaced as text, numbers and switches, in block style, flow style and quotes', () => {
    const env = { PORT: '3333', HOST: 'h.example', YES: 'true', GEN: '2', ID: '12' };
    const text =
      'links:\n  - name: x${ID}\n    transport: { type: tcp, host: ${HOST}, port: ${PORT} }\n' +
      '    node: { id: ${ID}, description: "at $${HOST} ${HOST}" }\n    restore: ${YES}\n' +
      'siot:\n  generation: ${GEN}\n# ${NOT_SET} in a comment is nothing\n';
    const { links, siot } = read(text, env);
    expect(siot.generation).toBe(2);
    expect(links[0]).toMatchObject({
      name: 'x12',
      transport: { host: 'h.example', port: 3333 },
      node: { id: '12', description: 'at ${HOST} h.example' },
      restore: true,
    });
  });

  it('has the value of a variable as text, not parsed as YAML', () => {
    expect(problemsOf(`${NONE}log: \${X}\n`, { env: { X: '{ level: warn }' } })).toHaveLength(1);
  });

  it('has anchors resolved', () => {
    const text = `links:\n  - { name: a, transport: ${TCP}, commands: &c [go] }\n  - { name: b, transport: ${SERIAL}, commands: *c }\n`;
    expect(read(text).links[1]?.commands).toEqual(['go']);
  });

  it('has relative paths resolved from the folder of the file', () => {
    const folder = tempDir();
    const file = join(folder, 'gw.yaml');
    writeFileSync(file, 'links:\n  - { name: a, transport: { type: serial, path: pty } }\n');
    const config = readConfigFile(file, {});
    expect(config.stateDir).toBe(join(folder, 'state'));
    expect(config.links[0]?.transport).toMatchObject({ path: join(folder, 'pty') });
  });
});

describe('files that the configuration names', () => {
  const nats = (keys: string): string => `${NONE}nats:\n  ${keys}\n`;
  const SEED = `SU${'A'.repeat(56)}`;
  const CREDS = '-----BEGIN NATS USER JWT-----\nx\n-----BEGIN USER NKEY SEED-----\ny\n';

  it.each<[string, string, object]>([
    ['tokenFile: f', ' secret\n', { kind: 'token', token: 'secret' }],
    ['user: u\n  passwordFile: f', 'pw\r\n', { kind: 'user', user: 'u', password: 'pw' }],
    ['nkeySeedFile: f', `${SEED}\n`, { kind: 'nkey', seed: SEED }],
    ['credsFile: f', CREDS, { kind: 'creds', creds: CREDS.trim() }],
  ])('reads %s', (keys, content, auth) => {
    const folder = tempDir();
    writeFileSync(join(folder, 'f'), content);
    writeFileSync(join(folder, 'gw.yaml'), nats(keys));
    expect(readConfigFile(join(folder, 'gw.yaml'), {}).nats).toMatchObject({ settings: { auth } });
  });

  it.each<[string, string, string | undefined, string]>([
    [
      'that is missing',
      'tokenFile: f',
      undefined,
      'gw.yaml:3:14: nats.tokenFile: f does not exist;',
    ],
    ['that is empty', 'tokenFile: f', ' \n', 'nats.tokenFile: f is empty; put the secret into it'],
    ['with several lines', 'tokenFile: f', 'a\nb\n', 'f has several lines; it must hold the token'],
    ['that is no seed', 'nkeySeedFile: f', 'SUAB', 'nats.nkeySeedFile: f holds no seed of a user'],
    ['that is no creds', 'credsFile: f', 'x', 'nats.credsFile: f is no credentials file'],
    ['that is no PEM', 'tls: { caFile: f }', 'x', 'nats.tls.caFile: f is no PEM file'],
    ['without its key', 'tls: { certFile: f }', '-----BEGIN X', 'nats.tls.certFile: needs keyFile'],
    ['without its certificate', 'tls: { keyFile: f }', '-----BEGIN X', 'needs certFile beside it'],
  ])('complains about one %s', (_what, keys, content, expected) => {
    const files: Record<string, string> = content === undefined ? {} : { f: content };
    expect(problemsOf(nats(keys), { files }).join('\n')).toContain(expected);
  });

  it('complains about one that is a folder', () => {
    const folder = tempDir();
    mkdirSync(join(folder, 'd'));
    writeFileSync(join(folder, 'gw.yaml'), nats('tokenFile: d'));
    expect(() => readConfigFile(join(folder, 'gw.yaml'), {})).toThrow('is a folder; name a file');
  });
});

describe('a CAN database', () => {
  const DBC =
    'BO_ 1 Motor: 8 X\n SG_ Speed : 0|8@1+ (1,0) [0|0] "" X\n' +
    'BO_ 2 Pump: 64 X\n SG_ Speed : 0|8@1+ (1,0) [0|0] "" X\n';
  const signals = (rest: string): string =>
    `links:\n  - name: a\n    transport: { type: can-signals, interface: can0, database: m.dbc${rest} }\n`;

  it('is read with the configuration, and a changed one is another configuration', () => {
    const folder = tempDir();
    const file = join(folder, 'gw.yaml');
    writeFileSync(file, signals(', transmit: [Motor]'));
    writeFileSync(join(folder, 'm.dbc'), DBC);
    const [first] = readConfigFile(file, {}).links;
    expect(first?.transport).toMatchObject({
      database: join(folder, 'm.dbc'),
      ids: [
        { id: 1, extended: false },
        { id: 2, extended: false },
      ],
      minInterval: 1000,
    });
    writeFileSync(join(folder, 'm.dbc'), DBC.replace('(1,0)', '(2,0)'));
    expect(readConfigFile(file, {}).links[0]).not.toEqual(first);
  });

  it.each<[string, string, string | undefined, string]>([
    [
      'that is missing',
      '',
      undefined,
      'gw.yaml:3:64: links[0].transport.database: m.dbc does not exist',
    ],
    [
      'that is none',
      '',
      'hello',
      'links[0].transport.database: m.dbc:1:1: "hello" begins no DBC database',
    ],
    [
      'that is wrong',
      '',
      DBC.replace('0|8', '64|8').replace('0|8', '512|8'),
      'm.dbc:2:6: Motor.Speed reaches into byte 8, but Motor has only bytes 0 to 7 (bytes count from 0); either its place or the length of the message is wrong (and 1 more)',
    ],
    [
      'without the bus',
      ', bus: Drive',
      DBC,
      'links[0].transport.database: m.dbc:1:1: there is no bus Drive',
    ],
    [
      'with one key for two signals',
      ", key: '{signal}'",
      DBC,
      'links[0].transport.key: gives Motor.Speed and Pump.Speed one key, Speed',
    ],
    [
      'with a key that does not tell signals apart',
      ', key: speed',
      DBC,
      'links[0].transport.key: "speed" is not allowed; give a text with {message} and {signal}',
    ],
    [
      'without a message to be sent',
      ', transmit: [Moter]',
      DBC,
      'links[0].transport.transmit[0]: the database has no message Moter; did you mean Motor?',
    ],
    [
      'with a message of CAN FD to be sent',
      ', transmit: [Pump]',
      DBC,
      'links[0].transport.transmit[0]: Pump is sent as CAN FD; add fd: true',
    ],
  ])('%s is complained about', (_what, rest, content, expected) => {
    const files: Record<string, string> = content === undefined ? {} : { 'm.dbc': content };
    expect(problemsOf(signals(rest), { files }).join('\n')).toContain(expected);
  });
});

describe('the sender of a CAN identifier', () => {
  const files = {
    'm.dbc': 'BO_ 1 Motor: 8 X\n SG_ Speed : 0|8@1+ (1,0) [0|0] "" X\nBO_ 2147483649 Wide: 8 X\n',
  };
  const signals = (name: string, rest: string): string =>
    `  - name: ${name}\n    transport: { type: can-signals, interface: can0, database: m.dbc, ${rest} }\n`;
  const can = (rest: string): string =>
    `  - name: c\n    transport: { type: can, interface: can0, ${rest} }\n`;

  it.each<[string, string, string]>([
    [
      'a link of type can',
      can('txId: 1, rxId: 2'),
      'gw.yaml:5:82: links[1].transport.transmit[0]: has the identifier 0x1, which is also the txId of links[0]; an identifier has one sender: take it out, or change the other',
    ],
    ['the device of one', can('txId: 2, rxId: 1'), 'which is also the rxId of links[0]'],
    ['another database', signals('c', 'transmit: [Motor]'), 'is also sent by links[0]'],
  ])('cannot also be %s', (_what, other, expected) => {
    const text = `links:\n${other}${signals('s', 'transmit: [Motor]')}`;
    const problems = problemsOf(text, { files });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(expected);
  });

  it.each<[string, string]>([
    [
      'of another width',
      can('txId: 1, rxId: 2, extendedIds: true') + signals('s', 'transmit: [Motor]'),
    ],
    [
      'on another bus',
      can('txId: 1, rxId: 2').replace('can0', 'can1') + signals('s', 'transmit: [Motor]'),
    ],
    ['that is only read', can('txId: 1, rxId: 2') + signals('s', 'transmit: [Wide, Wide]')],
  ])('may differ for an identifier %s', (_what, links) => {
    expect(problemsOf(`links:\n${links}`, { files })).toEqual([]);
  });
});

describe('CAN links side by side', () => {
  const files = {
    'm.dbc':
      'BO_ 1 Motor: 8 X\n SG_ Speed : 0|8@1+ (1,0) [0|0] "" X\n' +
      'BO_ 2147483649 Wide: 8 X\n SG_ Level : 0|8@1+ (1,0) [0|0] "" X\n',
  };
  const can = (rest: string): string => `{ type: can, interface: can0, ${rest} }`;
  const isotp = (ids: string, tx: number, rx: number): string =>
    can(`${ids}, framing: isotp, isotp: { txAddress: ${tx}, rxAddress: ${rx} }`);
  const signals = (rest = ''): string =>
    `{ type: can-signals, interface: can0, database: m.dbc${rest} }`;
  const configOf = (transports: readonly string[]): string =>
    `links:\n${transports.map((one, at) => `  - { name: n${at}, transport: ${one} }\n`).join('')}`;

  it.each<[string, readonly string[]]>([
    [
      '16 devices',
      Array.from({ length: 16 }, (_, at) => can(`txId: ${2 * at}, rxId: ${2 * at + 1}`)),
    ],
    ['FD beside classic', [can('txId: 1, rxId: 2'), can('txId: 3, rxId: 4, fd: true')]],
    [
      'both framings, FD with frames of 8 bytes',
      [
        can('txId: 1, rxId: 2, fd: true, bitRateSwitch: true, framing: isotp'),
        can('txId: 3, rxId: 4, fd: true, framing: isotp, isotp: { frameLength: 8 }'),
        can('txId: 5, rxId: 6, framing: isotp, isotp: { blockSize: 8, stMin: 0.5, padding: 0xcc }'),
      ],
    ],
    [
      'one number with 11 and with 29 bits',
      [can('txId: 1, rxId: 2'), can('txId: 1, rxId: 2, extendedIds: true')],
    ],
    [
      'the highest ids, and zero',
      [can('txId: 0x7ff, rxId: 0x800'), can('txId: 0, rxId: 0x1fffffff')],
    ],
    [
      'one id each way for devices with addresses',
      [isotp('txId: 1, rxId: 2', 1, 2), isotp('txId: 1, rxId: 2', 3, 4)],
    ],
    [
      'one id to devices with addresses, which answer us on ids of their own',
      [
        isotp('txId: 0x6f1, rxId: 0x612', 0x12, 0xf1),
        isotp('txId: 0x6f1, rxId: 0x613', 0x13, 0xf1),
      ],
    ],
    [
      'one id for both ways, with addresses',
      [isotp('txId: 1, rxId: 1', 1, 2), isotp('txId: 1, rxId: 1', 3, 4)],
    ],
    [
      'the same ids on two buses',
      [can('txId: 1, rxId: 2'), can('txId: 2, rxId: 1').replace('can0', 'can1')],
    ],
    [
      'signals of what devices send',
      [can('txId: 7, rxId: 1'), signals(), signals(', values: text, transmit: [Wide]')],
    ],
    ['signals and USB', [signals(), "{ type: usb, vendorId: '2e8a' }", can('txId: 1, rxId: 2')]],
  ])('%s are accepted', (_what, transports) => {
    expect(problemsOf(configOf(transports), { files })).toEqual([]);
  });

  it.each<[string, readonly string[], string]>([
    [
      'two that send what the other one hears',
      [can('txId: 1, rxId: 2'), can('txId: 2, rxId: 1')],
      'links[1].transport.txId: is also the rxId of links[0]; an identifier has one sender: give each device identifiers of its own',
    ],
    [
      'one that hears what goes to another',
      [can('txId: 1, rxId: 2'), can('txId: 3, rxId: 1')],
      'links[1].transport.rxId: is also the txId of links[0]',
    ],
    [
      'the same with addresses',
      [isotp('txId: 1, rxId: 2', 1, 2), isotp('txId: 2, rxId: 3', 2, 1)],
      'links[1].transport.txId: is also the rxId of links[0]',
    ],
  ])('%s are refused', (_what, transports, expected) => {
    expect(problemsOf(configOf(transports), { files }).join('\n')).toContain(expected);
  });
});

it('usb links that can be told apart, and devices with addresses on one identifier, are accepted', () => {
  const usb = (name: string, match: string): string =>
    `  - { name: ${name}, transport: { type: usb, ${match} } }\n`;
  const isotp = (name: string, tx: number, rx: number): string =>
    `  - name: ${name}\n    transport: { type: can, interface: can0, txId: 1, rxId: 2, framing: isotp, isotp: { txAddress: ${tx}, rxAddress: ${rx} } }\n`;
  const text =
    usb('a', "vendorId: '0001', interfaceNumber: 0") +
    usb('b', "vendorId: '0001', interfaceNumber: 2") +
    usb('c', "vendorId: '0002', product: 'A*'") +
    usb('d', "vendorId: '0002', product: 'B*'") +
    isotp('e', 1, 2) +
    isotp('f', 3, 4);
  expect(problemsOf(`links:\n${text}`)).toEqual([]);
});

describe('with the gateway’s own ID known', () => {
  const id = '7b0c1b4e-7f0a-4f0b-9a55-0d8c3b1f2a11';

  const withState = (links: string): readonly string[] => {
    const folder = tempDir();
    mkdirSync(join(folder, 'state'));
    writeFileSync(join(folder, 'state', 'gateway.json'), JSON.stringify({ id }));
    writeFileSync(join(folder, 'gw.yaml'), links);
    try {
      readConfigFile(join(folder, 'gw.yaml'), {});
      return [];
    } catch (error) {
      return error instanceof ConfigFileError ? error.problems : [];
    }
  };

  it('refuses a node ID that another link would get', () => {
    const made = uuidV5(id, 'b');
    const problems = withState(
      `links:\n  - { name: a, transport: ${TCP}, node: { id: ${made} } }\n  - { name: b, transport: ${SERIAL} }\n`,
    );
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain('links[1]: is also the node of links[0]');
  });

  it('refuses the gateway’s own ID for a link', () => {
    expect(withState(link(`node: { id: ${id} }`))[0]).toContain(
      'is the ID of the gateway’s own node',
    );
  });

  it('accepts a link without a node ID', () => {
    expect(withState(link(''))).toEqual([]);
  });
});
