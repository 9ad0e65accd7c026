/**
 * The configuration as the gateway works with it: complete, checked, secrets
 * read, paths absolute. Its form in the file: schema.ts.
 */
import type { FramingConfig } from '../../framing/framings.js';
import type { PointInfo } from '../../point/point-info.js';
import { readDatabase } from '../../signals/formats.js';
import type { NatsAuth, NatsSettings } from '../../siot/connection/nats-settings.js';
import type { RawConfig, RawLink } from './schema.js';
import { uuidV5 } from '../state/uuid.js';

/** Which NATS to connect to. */
export type NatsConfig =
  /** Start a private nats-server on loopback. */
  | { readonly embedded: true; readonly port?: number }
  | { readonly embedded: false; readonly settings: NatsSettings };

type RawTransport = Readonly<RawLink['transport']>;
/** A transport with everything that is needed to open it. */
export type TransportConfig =
  Exclude<RawTransport, { readonly type: 'can-signals' }> | CanSignalsConfig;
/** A serial port, and how it is opened. */
export type SerialConfig = Extract<TransportConfig, { type: 'serial' }>;
/** Which boards a link of type `usb` matches, and how their ports are opened. */
export type UsbConfig = Extract<TransportConfig, { type: 'usb' }>;

/** Holds the content of the database, so that a changed file is a changed configuration. */
export type CanSignalsConfig = Extract<RawTransport, { readonly type: 'can-signals' }> & {
  /** The bytes of the database's file, in base64. */
  readonly content: string;
  /** Identifiers of the database's messages. */
  readonly ids: readonly { readonly id: number; readonly extended: boolean }[];
};

/** One configured link, complete. */
export interface LinkConfig extends Readonly<
  Omit<RawLink, 'transport' | 'node' | 'commands' | 'points'>
> {
  readonly transport: TransportConfig;
  readonly node: {
    /** Absent: see {@link nodeIdOf}. */
    readonly id?: string;
    readonly type: string;
    readonly description: string;
  };
  readonly commands: readonly string[];
  /** By `TYPE` or `TYPE/KEY`. */
  readonly points: Readonly<Record<string, PointInfo>>;
}

/** The whole configuration, complete. */
export interface GatewayConfig {
  readonly nats: NatsConfig;
  readonly siot: Readonly<RawConfig['siot']>;
  readonly gateway: Readonly<RawConfig['gateway']>;
  /** Absolute. */
  readonly stateDir: string;
  /** Absolute; the same as `stateDir` unless the file or its place names another folder. */
  readonly runtimeDir: string;
  readonly outbox: Readonly<RawConfig['outbox']>;
  readonly highRate: Readonly<RawConfig['highRate']>;
  readonly files: Readonly<RawConfig['files']>;
  readonly log: Readonly<RawConfig['log']>;
  readonly links: readonly LinkConfig[];
}

/** Has the configuration in force. SIGHUP replaces it: read it anew each time. */
export interface Configured {
  readonly config: GatewayConfig;
}

/** ID of a link's node: as configured, else made from the gateway's ID and the link's name. */
export function nodeIdOf(link: LinkConfig, gatewayId: string): string {
  return link.node.id ?? nodeIdOfName(link.name, gatewayId);
}

/** As {@link nodeIdOf}, of a link whose node has no configured ID, as those of USB boards. */
export const nodeIdOfName = (name: string, gatewayId: string): string => uuidV5(gatewayId, name);

/** The framing of a transport: COBS, or on CAN also ISO-TP. */
export function framingOf(transport: TransportConfig): FramingConfig {
  if (transport.type !== 'can' || transport.framing === 'cobs') return { framing: 'cobs' };
  const { blockSize, stMin, txAddress, rxAddress, padding, frameLength } = transport.isotp;
  return {
    framing: 'isotp',
    isotp: {
      blockSize,
      stMin,
      ...(txAddress === undefined || rxAddress === undefined
        ? {}
        : { address: { tx: txAddress, rx: rxAddress } }),
      ...(padding === undefined ? {} : { padding }),
      frameLength: frameLength ?? (transport.fd ? 64 : 8),
    },
  };
}

/** Keys of the configuration that name the file of a secret. */
export type SecretKey = 'tokenFile' | 'passwordFile' | 'nkeySeedFile' | 'credsFile';

/** Access to files and folders that the configuration names. */
interface ConfigFiles {
  /** Where the configuration names no folder. `runtimeDir` absent: the same as `stateDir`. */
  readonly folders: { readonly stateDir: string; readonly runtimeDir?: string };
  /** Makes a path absolute. */
  resolve(path: string): string;
  /** The content of a secret's file without white space around it; blank if the key is not given. */
  secret(key: SecretKey): string;
  /** The content of a CAN database, which has been checked. */
  database(path: string): Uint8Array;
}

/** Fills in secrets, databases and absolute paths. `raw` must have passed all checks. */
export function resolveConfig(raw: RawConfig, files: ConfigFiles): GatewayConfig {
  const stateDir = raw.stateDir ?? files.folders.stateDir;
  return {
    nats: natsConfig(raw.nats, files),
    siot: raw.siot,
    gateway: raw.gateway,
    stateDir: files.resolve(stateDir),
    runtimeDir: files.resolve(raw.runtimeDir ?? files.folders.runtimeDir ?? stateDir),
    outbox: raw.outbox,
    highRate: raw.highRate,
    files: raw.files,
    log: raw.log,
    links: raw.links.map((link) => resolveLink(link, files)),
  };
}

function resolveLink(link: RawLink, files: ConfigFiles): LinkConfig {
  const { id, type, description = link.name } = link.node;
  return {
    ...link,
    transport: resolveTransport(link.transport, files),
    node: { ...(id === undefined ? {} : { id }), type, description },
    // A field that is absent in the file is absent here, and is never `undefined`.
    points: link.points as LinkConfig['points'],
  };
}

function resolveTransport(transport: RawTransport, files: ConfigFiles): TransportConfig {
  switch (transport.type) {
    case 'serial':
      return { ...transport, path: files.resolve(transport.path) };
    case 'can-signals': {
      const content = files.database(transport.database);
      const { messages } = readDatabase(content, transport.bus);
      return {
        ...transport,
        database: files.resolve(transport.database),
        content: Buffer.from(content).toString('base64'),
        ids: messages.map(({ id, extended }) => ({ id, extended })),
      };
    }
    case 'usb':
    case 'tcp':
    case 'can':
      return transport;
  }
}

function natsConfig(nats: RawConfig['nats'], files: ConfigFiles): NatsConfig {
  const { embedded } = nats;
  if (embedded === false) return { embedded, settings: natsSettings(nats, files) };
  const port = embedded === true ? undefined : embedded.port;
  return { embedded: true, ...(port === undefined ? {} : { port }) };
}

function natsSettings(nats: RawConfig['nats'], files: ConfigFiles): NatsSettings {
  const auth = natsAuth(nats, files);
  return {
    servers: typeof nats.servers === 'string' ? [nats.servers] : nats.servers,
    ...(auth === undefined ? {} : { auth }),
    ...(nats.tls === undefined ? {} : { tls: tlsFiles(nats.tls, files) }),
  };
}

function tlsFiles(
  { caFile, certFile, keyFile }: NonNullable<RawConfig['nats']['tls']>,
  files: ConfigFiles,
): NonNullable<NatsSettings['tls']> {
  return {
    ...(caFile === undefined ? {} : { caFile: files.resolve(caFile) }),
    ...(certFile === undefined ? {} : { certFile: files.resolve(certFile) }),
    ...(keyFile === undefined ? {} : { keyFile: files.resolve(keyFile) }),
  };
}

function natsAuth(nats: RawConfig['nats'], files: ConfigFiles): NatsAuth | undefined {
  if (nats.token !== undefined) return { kind: 'token', token: nats.token };
  if (nats.tokenFile !== undefined) return { kind: 'token', token: files.secret('tokenFile') };
  if (nats.user !== undefined) {
    const password = nats.password ?? files.secret('passwordFile');
    return { kind: 'user', user: nats.user, password };
  }
  if (nats.nkeySeedFile !== undefined) return { kind: 'nkey', seed: files.secret('nkeySeedFile') };
  if (nats.credsFile !== undefined) return { kind: 'creds', creds: files.secret('credsFile') };
  return undefined;
}
