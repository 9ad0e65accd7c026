/**
 * The configuration: every key with its type, range, unit, default and
 * description. The program's types, its checks, the published JSON Schema and
 * (by test) gateway.example.yaml all come from this one table.
 */
import { z } from 'zod';
import { ISO_TP_DEFAULTS } from '../../framing/isotp/options.js';
import { SERVER, shownServer } from '../../siot/connection/server-text.js';
import { POINT_INFO_RANGE, POINT_KINDS, isScale } from '../../point/point-info.js';
import { MAX_EXTENDED_ID } from '../../transport/frame.js';
import { CAN_DEFAULTS } from '../../transport/can/options.js';
import {
  MAX_RTS_DELAY_MS,
  RS485_DEFAULTS,
  SERIAL_DEFAULTS,
} from '../../transport/serial/options.js';
import {
  choice,
  flag,
  group,
  integer,
  list,
  named,
  number,
  secret,
  shown,
  text,
} from './fields.js';

/** One token of a NATS subject (docs/siot.md, 1.6). */
// eslint-disable-next-line no-control-regex -- control characters are what it keeps out
const TOKEN = /^[^.*> \u0000-\u001f\u007f]{1,255}$/;
const TOKEN_RULE = 'one subject token: no dots, spaces, * or >, at most 255 bytes';

/** A type, or a type and a key. */
// eslint-disable-next-line no-control-regex -- control characters are what it keeps out
const POINT_NAME = /^[^.*> \u0000-\u001f\u007f/]{1,255}(\/[^.*> \u0000-\u001f\u007f]{1,253})?$/;

const SERVER_RULE =
  'a server as nats://HOST:PORT (or tls://…); a user and a password have keys of their own ' +
  '(user, password), and so has a token (token)';
/** Hides what is not a server's address: people put secrets here by mistake. */
const shownAsServer = (value: unknown): string =>
  shown(typeof value === 'string' ? shownServer(value) : value);
const server = () => text(SERVER_RULE, SERVER, shownAsServer);

const tls = group({
  caFile: text('the path of a PEM file')
    .optional()
    .meta({ description: 'PEM file with the authority that signed the server’s certificate.' }),
  certFile: text('the path of a PEM file')
    .optional()
    .meta({ description: 'PEM file with the client’s certificate; needs keyFile.' }),
  keyFile: text('the path of a PEM file')
    .optional()
    .meta({ description: 'PEM file with the client’s private key; needs certFile.' }),
});

const embeddedPort = integer({ min: 1, max: 65_535 }).optional().meta({
  description: 'Loopback port of the private nats-server; otherwise any that is free.',
});

const nats = group({
  servers: z
    .union([server(), list(server(), 'servers').min(1, { error: 'is an empty list' })], {
      error: ({ input }) => {
        const allowed = `give ${SERVER_RULE}, or a list of them`;
        return input === null || input === ''
          ? `is empty; ${allowed}`
          : `${shownAsServer(input)} is not allowed; ${allowed}`;
      },
    })
    .default('nats://127.0.0.1:4222')
    .meta({
      description:
        'NATS server, or a list of servers of one cluster; one tls:// insists on TLS for all.',
    }),
  embedded: z
    .union([flag(), group({ port: embeddedPort })], {
      error: ({ input }) =>
        `${input === null ? 'is empty' : `${shown(input)} is not allowed`}; give true, false or a group with port`,
    })
    .default(false)
    .meta({
      description:
        'Start a private nats-server on loopback instead of using servers: true, or with a port of its own.',
    }),
  token: secret().optional().meta({ description: 'Token that the server asks for.' }),
  tokenFile: text('the path of a file')
    .optional()
    .meta({ description: 'File with the token, instead of token.' }),
  user: text().optional().meta({ description: 'User name; with password or passwordFile.' }),
  password: secret().optional().meta({ description: 'Password of user.' }),
  passwordFile: text('the path of a file')
    .optional()
    .meta({ description: 'File with the password of user, instead of password.' }),
  nkeySeedFile: text('the path of a file')
    .optional()
    .meta({ description: 'File with the seed of an nkey (SU…).' }),
  credsFile: text('the path of a file')
    .optional()
    .meta({ description: 'Credentials file (.creds) with a JWT and its seed.' }),
  tls: tls.optional().meta({ description: 'TLS towards the server.' }),
});

const siot = group({
  generation: choice(['auto', 1, 2]).default('auto').meta({
    description: 'SIOT generation: 1 = up to 0.18, 2 = from 0.19; auto = ask the server.',
  }),
  store: choice(['auto', 'required', 'none'])
    .default('auto')
    .meta({
      description:
        'Whether SIOT’s store must confirm each point: auto = once one has answered; ' +
        'none = a plain nats-server is enough.',
    }),
  parent: text(TOKEN_RULE, TOKEN).default('root').meta({
    description:
      'ID of the node under which the gateway’s node is made; root = the instance’s root node.',
  }),
});

const gateway = group({
  description: text().optional().meta({
    description:
      'Description of the gateway’s node, written when the node is made; otherwise the name of the host.',
  }),
  maxPoints: integer({ min: 1, max: 1_000_000, unit: 'points' })
    .default(20_000)
    .meta({ description: 'Most distinct points of all links together (points).' }),
});

/** Keys of a serial port: of one with a path, and of one that is found on USB. */
const line = {
  baudRate: integer({ min: 50, max: 20_000_000, unit: 'bit/s' })
    .default(SERIAL_DEFAULTS.baudRate)
    .meta({ description: 'Speed (bit/s), also custom rates.' }),
  dataBits: choice([5, 6, 7, 8])
    .default(SERIAL_DEFAULTS.dataBits)
    .meta({ description: 'Data bits of a character.' }),
  parity: choice(['none', 'even', 'odd'])
    .default(SERIAL_DEFAULTS.parity)
    .meta({ description: 'Parity bit.' }),
  stopBits: choice([1, 2]).default(SERIAL_DEFAULTS.stopBits).meta({ description: 'Stop bits.' }),
  rtscts: flag().default(SERIAL_DEFAULTS.rtscts).meta({ description: 'RTS/CTS flow control.' }),
  xonxoff: flag()
    .default(SERIAL_DEFAULTS.xonxoff)
    .meta({
      description:
        'XON/XOFF flow control. It takes the bytes 11 and 13 (hex) out of the stream: ' +
        'only for firmware that never sends them.',
    }),
  dtr: choice(['leave', 'on', 'off'])
    .default(SERIAL_DEFAULTS.dtr)
    .meta({ description: 'DTR line on opening; a change resets many boards.' }),
  rts: choice(['leave', 'on', 'off'])
    .default(SERIAL_DEFAULTS.rts)
    .meta({ description: 'RTS line on opening; a change resets some boards.' }),
  hupcl: flag()
    .default(SERIAL_DEFAULTS.hupcl)
    .meta({ description: 'Drop DTR and RTS when the port is closed; resets many boards.' }),
};

const rtsDelay = integer({ min: 0, max: MAX_RTS_DELAY_MS, unit: 'ms' });

const rs485 = group({
  rtsOnSend: flag()
    .default(RS485_DEFAULTS.rtsOnSend)
    .meta({ description: 'Level of RTS while the port sends; the other one than rtsAfterSend.' }),
  rtsAfterSend: flag()
    .default(RS485_DEFAULTS.rtsAfterSend)
    .meta({ description: 'Level of RTS while it does not.' }),
  delayRtsBeforeSendMs: rtsDelay
    .default(RS485_DEFAULTS.delayRtsBeforeSendMs)
    .meta({ description: 'Time between RTS and the first bit (ms).' }),
  delayRtsAfterSendMs: rtsDelay
    .default(RS485_DEFAULTS.delayRtsAfterSendMs)
    .meta({ description: 'Time between the last bit and RTS (ms).' }),
  rxDuringTx: flag().default(RS485_DEFAULTS.rxDuringTx).meta({
    description: 'Receive while sending: the port hears itself, which is taken for an echo.',
  }),
  terminate: flag()
    .default(RS485_DEFAULTS.terminate)
    .meta({ description: 'Switch on the resistor at the end of the bus, where the port has one.' }),
});

const serial = group(
  {
    type: z.literal('serial').meta({ description: 'A serial port: UART, USB-CDC, RS-485.' }),
    path: text('the path of the port, such as /dev/serial/by-id/…').meta({
      description: 'Device file; /dev/serial/by-id/… stays the same over reboots.',
    }),
    ...line,
    rs485: rs485.optional().meta({
      description:
        'The driver switches the direction of an RS-485 line by RTS. Not for adapters that do so ' +
        'by themselves, as those on USB.',
    }),
  },
  { host: 'a key of type: tcp', port: 'a key of type: tcp (the serial port’s file is path)' },
);

/** Four digits, zeros at the front included. YAML removes these from a number without quotes. */
const HEX_ID = /^(?:[0-9A-Fa-f]{4}|(?=.*\*)[0-9A-Fa-f*]{1,8})$/;
const hexId = () =>
  text('four hexadecimal digits in quotes, such as "0403"; * stands for any', HEX_ID);
const pattern = () => text('text in quotes; * stands for any characters');

const usb = group(
  {
    type: z
      .literal('usb')
      .meta({ description: 'USB serial devices, known by who they are: a link for each one.' }),
    vendorId: hexId().optional().meta({ description: 'USB vendor ID (hexadecimal; * = any).' }),
    productId: hexId().optional().meta({ description: 'USB product ID (hexadecimal; * = any).' }),
    serialNumber: pattern().optional().meta({ description: 'Serial number (* = any).' }),
    manufacturer: pattern().optional().meta({ description: 'Name of the manufacturer (* = any).' }),
    product: pattern().optional().meta({ description: 'Name of the product (* = any).' }),
    interfaceNumber: integer({ min: 0, max: 255 }).optional().meta({
      description: 'Which interface of a device that has several; otherwise each is a link.',
    }),
    ...line,
  },
  {
    path: 'a key of type: serial',
    rs485: 'a key of type: serial (adapters on USB switch the direction by themselves)',
    host: 'a key of type: tcp',
    port: 'a key of type: tcp',
  },
);

/** Keys of another transport, which people put here by mistake. */
const keysOf = (type: string, { shape }: { readonly shape: object }) =>
  Object.fromEntries(
    Object.keys(shape)
      .filter((key) => key !== 'type')
      .map((key) => [key, `a key of type: ${type}`]),
  );

const tcp = group(
  {
    type: z
      .literal('tcp')
      .meta({ description: 'A TCP server with a device behind it: ser2net and the like.' }),
    host: text('a host name or IP address', /^[^\s/@]+$/).meta({
      description: 'Host name or address.',
    }),
    port: integer({ min: 1, max: 65_535 }).meta({ description: 'TCP port.' }),
  },
  keysOf('serial', serial),
);

const isotp = group({
  blockSize: integer({ min: 0, max: 255, unit: 'frames', note: '0 = all at once' })
    .default(ISO_TP_DEFAULTS.blockSize)
    .meta({
      description:
        'Frames that the device may send before it waits for our flow control; 0 = all of a packet.',
    }),
  stMin: number(
    '0 to 127 whole, or 0.1 to 0.9 in steps of 0.1 (ms)',
    (ms) => (Number.isInteger(ms) && ms >= 0 && ms <= 127) || /^0\.[1-9]$/.test(String(ms)),
  )
    .default(ISO_TP_DEFAULTS.stMin)
    .meta({ description: 'Least time between the device’s frames (ms): 0…127, or 0.1…0.9.' }),
  txAddress: integer({ min: 0, max: 255 }).optional().meta({
    description: 'Extended addressing: first byte of the frames to the device; with rxAddress.',
  }),
  rxAddress: integer({ min: 0, max: 255 }).optional().meta({
    description: 'Extended addressing: first byte of the frames from the device; with txAddress.',
  }),
  padding: integer({ min: 0, max: 255 })
    .optional()
    .meta({
      description:
        'Byte that fills frames up to 8 bytes, for devices that take no shorter ones; ' +
        'otherwise they are as short as they can be.',
    }),
  frameLength: choice([8, 12, 16, 20, 24, 32, 48, 64]).optional().meta({
    description: 'Longest frame to the device (bytes); otherwise 8, with fd 64.',
  }),
});

const canId = (direction: string) =>
  integer({ min: 0, max: MAX_EXTENDED_ID }).meta({
    description: `Identifier of the frames ${direction} the device, such as 0x123; above 0x7ff it has 29 bits.`,
  });

const can = group(
  {
    type: z.literal('can').meta({ description: 'A device on a CAN bus (Linux’ SocketCAN).' }),
    interface: text('the name of a CAN interface, such as can0', /^[^\s/:]{1,15}$/).meta({
      description: 'Interface; any number of links can share one.',
    }),
    txId: canId('to'),
    rxId: canId('from'),
    extendedIds: flag().default(CAN_DEFAULTS.extendedIds).meta({
      description: 'Both identifiers have 29 bits, also when they are 0x7ff or less.',
    }),
    fd: flag().default(CAN_DEFAULTS.fd).meta({ description: 'Frames of CAN FD, up to 64 bytes.' }),
    bitRateSwitch: flag()
      .default(CAN_DEFAULTS.bitRateSwitch)
      .meta({ description: 'Send the data of CAN FD frames at the higher bit rate.' }),
    framing: choice(['cobs', 'isotp']).default('cobs').meta({
      description:
        'cobs = the byte stream of a serial port, cut into frames; isotp = packets by ISO 15765-2.',
    }),
    isotp: isotp.prefault({}).meta({ description: 'How ISO-TP is spoken; with framing: isotp.' }),
  },
  { ...keysOf('serial', serial), ...keysOf('tcp', tcp) },
);

const interval = (note: string) => integer({ min: 0, max: 86_400_000, unit: 'ms', note });

const canSignals = group(
  {
    type: z
      .literal('can-signals')
      .meta({ description: 'A CAN bus whose frames a database (DBC or KCD) explains.' }),
    interface: text('the name of a CAN interface, such as can0', /^[^\s/:]{1,15}$/).meta({
      description: 'Interface; any number of links can share one.',
    }),
    database: text('the path of a DBC or KCD file').meta({
      description: 'Database with the messages of the bus and their signals (DBC or KCD).',
    }),
    bus: text().optional().meta({ description: 'The bus, where a database has several.' }),
    key: text('a text with {message} and {signal}', /\{signal\}/)
      .default('{message}_{signal}')
      .meta({ description: 'Key of a signal’s points, which have the type value.' }),
    values: choice(['number', 'text']).default('number').meta({
      description:
        'How a code comes for which the database has a text: as number, or as that text.',
    }),
    deadband: number('a number from 0 up, in the unit of each signal', (value) => value >= 0)
      .default(0)
      .meta({
        description:
          'Greatest change that is not worth a point, in the unit of each signal; 0 = any is.',
      }),
    minInterval: interval('0 = none').default(1000).meta({
      description: 'Least time between two points of a signal (ms); in the end the last one comes.',
    }),
    maxInterval: interval('0 = never').default(0).meta({
      description:
        'Time after which a value that comes is published although it has not changed (ms); 0 = never.',
    }),
    transmit: list(text(), 'names of messages')
      .default([])
      .meta({ description: 'Messages whose signals can be set, and are sent then.' }),
    cyclic: flag().default(false).meta({
      description:
        'Send these again and again at the cycle time of the database, once something of them was set; the pages of a multiplexed one in turn.',
    }),
    fd: flag().default(false).meta({ description: 'Send frames of CAN FD, too.' }),
  },
  { ...keysOf('serial', serial), ...keysOf('tcp', tcp), ...keysOf('can', can) },
);

/** Adding a transport adds a line here. */
const TRANSPORTS = [serial, usb, tcp, can, canSignals] as const;

const TYPES = TRANSPORTS.map((transport) => transport.shape.type.value);
const transportTypes = `${TYPES.slice(0, -1).join(', ')} or ${TYPES.at(-1) ?? ''}`;

const transport = z.discriminatedUnion('type', TRANSPORTS, {
  error: ({ input }) => {
    const allowed = `a group of keys with type: ${transportTypes}`;
    if (input === undefined) return `is missing; give ${allowed}`;
    if (input === null) return `is empty; give ${allowed}`;
    if (typeof input !== 'object') return `${shown(input)} is not allowed; give ${allowed}`;
    const type: unknown = Reflect.get(input, 'type');
    if (type === undefined) return `is missing; give ${transportTypes}`;
    return `${shown(type)} is not allowed; give ${transportTypes}`;
  },
});

const node = group({
  id: text(TOKEN_RULE, TOKEN).optional().meta({
    description: 'ID of the link’s node; otherwise made from the gateway’s ID and the link’s name.',
  }),
  type: text(TOKEN_RULE, TOKEN).default('mcu').meta({ description: 'Type of the link’s node.' }),
  description: text().optional().meta({
    description: 'Description, written when the node is made; otherwise the link’s name.',
  }),
});

const { name: nameLength, unit: unitLength, values: mostValues, maxAge } = POINT_INFO_RANGE;

/** `what`: an article and a noun. */
const characters = (most: number, what = 'a text') =>
  text(
    `${what} of 1 to ${most} characters without control characters`,
    new RegExp(`^[^\\p{Cc}]{1,${most}}$`, 'u'),
  );
const anyNumber = () => number('a number', () => true);

const pointValues = 'numbers, or texts in quotes where they look like numbers';

const pointInfo = group({
  kind: choice(POINT_KINDS).optional().meta({
    description: 'What the point is: switch = the number 1 (on) or 0 (off).',
  }),
  name: characters(nameLength).optional().meta({ description: 'Name of the point, for people.' }),
  unit: characters(unitLength)
    .optional()
    .meta({ description: 'Unit, shown behind the value, such as °C.' }),
  min: anyNumber().optional().meta({ description: 'Least number that it can be set to.' }),
  max: anyNumber().optional().meta({ description: 'Greatest number that it can be set to.' }),
  step: number('a number above 0', (value) => value > 0)
    .optional()
    .meta({
      description: 'It can be set to min, or 0 where there is none, and to whole steps from there.',
    }),
  scale: number('a number other than 0', isScale)
    .optional()
    .meta({
      description:
        'What the device says times this is the number in SIOT, and a setting goes down divided by it; ' +
        'all other keys here are in SIOT’s numbers.',
    }),
  values: list(
    z.union([anyNumber(), characters(mostValues)], {
      error: ({ input }) => `${shown(input)} is not allowed; give ${pointValues}`,
    }),
    pointValues,
  )
    .min(1, { error: 'is an empty list' })
    .max(mostValues, { error: `has more than ${mostValues} values` })
    .optional()
    .meta({ description: 'The only values that it can be set to: numbers, or texts.' }),
  writable: flag().optional().meta({ description: 'false = set refuses to set it.' }),
  maxAge: number(
    `a number of seconds from ${maxAge.min} to ${maxAge.max}`,
    (value) => value >= maxAge.min && value <= maxAge.max,
  )
    .optional()
    .meta({
      description:
        'Without a report for longer than this (seconds) the point is stale: it is told, counted, ' +
        'and a point gatewayStale.',
    }),
});

const link = group({
  name: characters(64, 'a name').meta({
    description: 'Name of the link, for people and for `set`; the node’s ID is made from it.',
  }),
  transport: transport.meta({ description: 'How the device is attached.' }),
  protocol: choice(['auto', 'protobuf', 'compact', 'shell'])
    .default('auto')
    .meta({
      description:
        'Payload codec of the firmware; auto = as the device’s first points are; ' +
        'shell = no packets, but the console of Zephyr’s shell.',
    }),
  node: node.prefault({}).meta({ description: 'The link’s node in SIOT.' }),
  commands: list(text(TOKEN_RULE, TOKEN), 'point types')
    .default([])
    .meta({
      description:
        'Point types of settings that act once: never sent again after they were ' +
        'acknowledged or have ended.',
    }),
  restore: flag()
    .default(true)
    .meta({
      description:
        'Send all settings again after the device has restarted; ' +
        'false = the firmware keeps them, only pending ones are sent.',
    }),
  points: named(
    text('TYPE or TYPE/KEY, each one subject token, at most 255 bytes in all', POINT_NAME),
    pointInfo,
    'points by TYPE or TYPE/KEY',
  )
    .default({})
    .meta({
      description:
        'What points are, by TYPE or TYPE/KEY, for people and for `set`; ' +
        'it wins over what the device announces.',
    }),
  highRateNode: text(TOKEN_RULE, TOKEN)
    .optional()
    .meta({
      description:
        'ID of the node whose consumers get the samples of high-rate channels, as X of ' +
        'phrup.X.<ID of the link’s node>; otherwise siot.parent, where SIOT’s db node listens.',
    }),
  ackTimeoutMs: integer({ min: 10, max: 60_000, unit: 'ms' }).default(1000).meta({
    description:
      'Time for the device to acknowledge a packet, or a shell to report a setting, before it is sent again (ms).',
  }),
  maxFrameLength: integer({ min: 64, max: 1_048_576, unit: 'bytes' }).default(1024).meta({
    description:
      'Longest encoded frame, delimiters included, each way (bytes); of ISO-TP the longest packet, of a shell the longest line.',
  }),
  silenceTimeoutMs: integer({ min: 0, max: 86_400_000, unit: 'ms', note: '0 = never' })
    .default(0)
    .meta({
      description:
        'Silence after which a device that never acknowledges counts as gone (ms); 0 = never, of a shell 60000.',
    }),
  backlog: choice(['all', 'latest'])
    .default('all')
    .meta({
      description:
        'What is kept while SIOT is behind or away: all = every point, ' +
        'latest = of each only the newest.',
    }),
  maxPoints: integer({ min: 1, max: 1_000_000, unit: 'points' })
    .default(5000)
    .meta({ description: 'Most distinct points of the link (points).' }),
});

/** All keys of the configuration. */
export const configSchema = group({
  nats: nats.prefault({}).meta({ description: 'Connection to NATS.' }),
  siot: siot.prefault({}).meta({ description: 'How to deal with SIOT.' }),
  gateway: gateway.prefault({}).meta({ description: 'The gateway itself.' }),
  stateDir: text('the path of a folder')
    .optional()
    .meta({
      description:
        'Folder for the gateway’s identity and what is known of each link; made when missing, ' +
        'and closed to other users. Default: ./state, and for a configuration in /etc/siot-mcu ' +
        '/var/lib/siot-mcu. ' +
        'Relative paths here and elsewhere start at the configuration file’s folder.',
    }),
  runtimeDir: text('the path of a folder')
    .optional()
    .meta({
      description:
        'Folder for what the commands of other users need: the gateway’s ID, its socket, and the credential of ' +
        'a private nats-server. Default: RUNTIME_DIRECTORY, as systemd gives it to the service; else, for a ' +
        'configuration in /etc/siot-mcu, /run/siot-mcu; else stateDir. ' +
        'Files are readable for the folder’s group where that may read the folder.',
    }),
  outbox: group({
    maxBytes: integer({ min: 65_536, max: 4_294_967_296, unit: 'bytes' })
      .default(268_435_456)
      .meta({
        description:
          'Room for points on their way to SIOT, shared out to the links (bytes); ' +
          'on disk, or in memory where durability says so.',
      }),
    durability: choice(['disk', 'memory'])
      .default('disk')
      .meta({
        description:
          'What a device’s points survive once they are acknowledged: ' +
          'disk = a crash or a power failure, memory = nothing of the kind.',
      }),
  })
    .prefault({})
    .meta({ description: 'The queue of points on their way to SIOT.' }),
  highRate: group({
    maxBytes: integer({ min: 65_536, max: 1_073_741_824, unit: 'bytes' })
      .default(4_194_304)
      .meta({
        description:
          'Most bytes of high-rate packets of all links that wait in memory while NATS is away or ' +
          'slow; the newest are kept (bytes).',
      }),
  })
    .prefault({})
    .meta({ description: 'Samples of high-rate channels on their way to NATS.' }),
  files: group({
    giveUpMs: integer({ min: 1_000, max: 86_400_000, unit: 'ms' })
      .default(60_000)
      .meta({
        description:
          'Time after the last sign of life of a device after which a file for it is given up; and ' +
          'time in which a device that talks has to acknowledge a block (ms).',
      }),
  })
    .prefault({})
    .meta({ description: 'Files for devices.' }),
  log: group({
    level: choice(['debug', 'info', 'warn', 'error'])
      .default('info')
      .meta({ description: 'Least important messages that are still logged.' }),
    keep: integer({ min: 0, max: 100_000, unit: 'lines' }).default(2_000).meta({
      description:
        'Log lines of each device that are kept in memory for siot-mcu logs (lines); at most 1 MiB of them.',
    }),
  })
    .prefault({})
    .meta({ description: 'Messages on stderr, and log lines of devices.' }),
  links: list(link, 'links, each with name and transport').meta({
    description: 'The attached devices.',
  }),
}).meta({
  title: 'Configuration of siot-mcu-gateway',
});

/** As written in the file, environment and all defaults filled in. */
export type RawConfig = z.output<typeof configSchema>;
/** A link as written in the file, with defaults. */
export type RawLink = z.output<typeof link>;

const VARIABLE = { type: 'string', pattern: '^\\$\\{[A-Za-z_][A-Za-z0-9_]*\\}$' } as const;

/** For editors: the schema as JSON Schema (draft 7). Numbers and choices may be `${NAME}` too. */
export function configJsonSchema(): object {
  return z.toJSONSchema(configSchema, {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => {
      const { type } = jsonSchema;
      const isNumber = type === 'integer' || type === 'number' || type === 'boolean';
      if (!isNumber && jsonSchema.enum === undefined) return;
      const { description, default: standard, ...rest } = jsonSchema;
      for (const key of Object.keys(jsonSchema)) Reflect.deleteProperty(jsonSchema, key);
      if (description !== undefined) jsonSchema.description = description;
      if (standard !== undefined) jsonSchema.default = standard;
      jsonSchema.anyOf = [rest, VARIABLE];
    },
  });
}
