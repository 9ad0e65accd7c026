/**
 * Reads the configuration file and reports all of its problems, each on its
 * own line (docs/contract.md, "Commands").
 */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { crossProblems, placedLinks } from '../gateway/config/checks.js';
import { groupAt, isGroup, type Group } from '../gateway/config/parts.js';
import { senderProblems, type SentMessage } from '../gateway/config/can-checks.js';
import { signalFindings } from '../gateway/config/signal-checks.js';
import { configSchema, type RawConfig } from '../gateway/config/schema.js';
import { resolveConfig, type GatewayConfig, type SecretKey } from '../gateway/config/config.js';
import { codeOf } from '../gateway/state/disk.js';
import { configFileOf, defaultFolders, type DefaultFolders } from './config-places.js';
import { ConfigFileError } from './errors.js';
import { readGatewayId } from './runtime-files.js';
import { MAX_DATABASE_BYTES, readFileBytes, readTextFile, TextFileError } from './text-file.js';
import {
  pathText,
  YamlSource,
  type KeyPath,
  type Position,
  type SourceProblem,
} from './yaml-source.js';

const MAX_CONFIG_BYTES = 1_048_576;
const MAX_SECRET_BYTES = 65_536;
/** A system's bundle of authorities has some 230,000 bytes, and with those of a company some more. */
const MAX_PEM_BYTES = 4_194_304;

type Environment = Readonly<Record<string, string | undefined>>;

/** A configuration, and where its keys are in the file. */
export interface ReadConfig {
  readonly config: GatewayConfig;
  /** As it was written, before defaults were filled in. */
  readonly written: Group;
  /** `FILE:LINE:COLUMN: path.to.key: message`, in one line. */
  problem(path: KeyPath, message: string): string;
}

/** Reads the configuration in a file. Throws a {@link ConfigFileError}. */
export function readConfig(file: string, environment: Environment): ReadConfig {
  return new ConfigFile(file, environment).read();
}

/**
 * The configuration in a file; without a name, in the first of the usual places that has
 * one. Throws a {@link ConfigFileError}, and a `CliError` when there is none.
 */
export function readConfigFile(file: string | undefined, environment: Environment): GatewayConfig {
  return readConfig(configFileOf(file), environment).config;
}

class ConfigFile {
  readonly #problems: SourceProblem[] = [];
  readonly #folder: string;
  readonly #defaults: DefaultFolders;

  constructor(
    readonly file: string,
    readonly environment: Environment,
  ) {
    this.#folder = dirname(resolve(file));
    this.#defaults = defaultFolders(this.#folder, environment['RUNTIME_DIRECTORY']);
  }

  read(): ReadConfig {
    const source = this.#readSource();
    let raw = configSchema.safeParse(source.value);
    if (!raw.success && takeMeanings(source, raw.error.issues)) {
      raw = configSchema.safeParse(source.value);
    }
    for (const issue of raw.error?.issues ?? []) this.#addIssue(source, issue, []);
    const stateDir = textAt(source.value, 'stateDir') ?? this.#defaults.stateDir;
    const runtimeDir = textAt(source.value, 'runtimeDir') ?? this.#defaults.runtimeDir ?? stateDir;
    const gatewayId =
      readGatewayId(resolve(this.#folder, stateDir)) ??
      readGatewayId(resolve(this.#folder, runtimeDir));
    for (const { path, message } of crossProblems(source.value, gatewayId)) {
      this.#add(source.valueAt(path), path, message);
    }
    for (const key of ['stateDir', 'runtimeDir']) this.#checkFolder(source, key);
    const secrets = this.#readSecrets(source);
    this.#checkTlsFiles(source);
    const databases = this.#readDatabases(source);
    if (this.#problems.length > 0 || !raw.success) this.#fail();
    return {
      config: this.#resolve(raw.data, secrets, databases),
      written: isGroup(source.value) ? source.value : {},
      problem: (path, message) => this.#text(source.valueAt(path), pathText(path), message),
    };
  }

  #text({ line, column }: Position, where: string, message: string): string {
    return `${this.file}:${line}:${column}: ${where}: ${message}`.replaceAll(/\s*[\r\n]+\s*/g, ' ');
  }

  #resolve(
    raw: RawConfig,
    secrets: ReadonlyMap<SecretKey, string>,
    databases: ReadonlyMap<string, Uint8Array>,
  ): GatewayConfig {
    return resolveConfig(raw, {
      database: (path) => databases.get(path) ?? new Uint8Array(),
      folders: this.#defaults,
      resolve: (path) => resolve(this.#folder, path),
      secret: (key) => secrets.get(key) ?? '',
    });
  }

  #readSource(): YamlSource {
    let text: string;
    try {
      text = readTextFile(this.file, MAX_CONFIG_BYTES);
    } catch (error) {
      if (!(error instanceof TextFileError)) throw error;
      this.#add({ line: error.line, column: 1 }, [], error.why);
      this.#fail();
    }
    const source = new YamlSource(text, this.environment);
    this.#problems.push(...source.problems);
    if (source.value === undefined) this.#fail();
    if (source.value === null) {
      this.#add(
        { line: 1, column: 1 },
        [],
        'is empty; gateway.example.yaml shows what belongs here',
      );
      this.#fail();
    }
    if (typeof source.value !== 'object' || Array.isArray(source.value)) {
      const message = 'is no group of keys; gateway.example.yaml shows what belongs here';
      this.#add(source.valueAt([]), [], message);
      this.#fail();
    }
    return source;
  }

  #addIssue(source: YamlSource, issue: z.core.$ZodIssue, above: KeyPath): void {
    const path = [...above, ...(issue.path as KeyPath)];
    if (issue.code === 'unrecognized_keys') {
      const messages = issue.message.split('\n');
      const empty = emptyBefore(at(source.value, path), issue.keys);
      issue.keys.forEach((key, index) => {
        const unknown = [...path, key];
        const owner = empty.get(key);
        const hint =
          owner === undefined
            ? ''
            : `, or wrong indentation: if it belongs to ${owner}, which is empty, begin it deeper`;
        this.#add(source.keyAt(unknown), unknown, `${messages[index] ?? issue.message}${hint}`);
      });
      return;
    }
    // The key allows one value, or a list or group of values. For a list or group, the problems inside it say more.
    const ofMany = issue.code === 'invalid_union' ? issue.errors.at(-1) : undefined;
    if (ofMany?.every((inner) => !isWrongKind(inner)) === true) {
      for (const inner of ofMany) this.#addIssue(source, inner, path);
      return;
    }
    this.#add(source.valueAt(path), path, issue.message);
  }

  #checkFolder(source: YamlSource, key: string): void {
    const folder = textAt(source.value, key);
    if (folder === undefined) return;
    try {
      const found = statSync(resolve(this.#folder, folder), { throwIfNoEntry: false });
      if (found === undefined || found.isDirectory()) return;
    } catch (error) {
      // Other problems with the folder are reported when the gateway starts.
      if (codeOf(error) !== 'ENOTDIR') return;
    }
    const message = `${JSON.stringify(folder)} is no folder; name one, or a name that is free`;
    this.#add(source.valueAt([key]), [key], message);
  }

  #readSecrets(source: YamlSource): Map<SecretKey, string> {
    const secrets = new Map<SecretKey, string>();
    for (const key of Object.keys(SECRETS) as SecretKey[]) {
      this.#readNamed(source, ['nats', key], MAX_SECRET_BYTES, (content) => {
        const secret = content.trim();
        if (secret === '') return 'is empty; put the secret into it';
        secrets.set(key, secret);
        return SECRETS[key](secret);
      });
    }
    return secrets;
  }

  #checkTlsFiles(source: YamlSource): void {
    for (const key of ['caFile', 'certFile', 'keyFile']) {
      this.#readNamed(source, ['nats', 'tls', key], MAX_PEM_BYTES, (content) =>
        content.includes('-----BEGIN ')
          ? undefined
          : 'is no PEM file (-----BEGIN …); name one, or convert it with openssl',
      );
    }
  }

  /** The CAN databases that links name, by their paths as written. */
  #readDatabases(source: YamlSource): Map<string, Uint8Array> {
    const databases = new Map<string, Uint8Array>();
    const sent: SentMessage[] = [];
    const links = placedLinks(source.value);
    for (const placed of links) {
      const { type, database: name } = groupAt(placed.link, 'transport');
      if (type !== 'can-signals') continue;
      const path = [...placed.path, 'transport', 'database'];
      this.#readFile(source, path, (file) => {
        const content = readFileBytes(file, MAX_DATABASE_BYTES);
        databases.set(String(name), content);
        const found = signalFindings(placed, content, file);
        sent.push(...found.sent);
        for (const { path: where, message } of found.problems) {
          this.#add(source.valueAt(where), where, message);
        }
        return undefined;
      });
    }
    for (const { path: where, message } of senderProblems(links, sent)) {
      this.#add(source.valueAt(where), where, message);
    }
    return databases;
  }

  /** Reads the file that a key names, if the key is given. `check` returns what is wrong with the content. */
  #readNamed(
    source: YamlSource,
    path: KeyPath,
    maxBytes: number,
    check: (content: string) => string | undefined,
  ): void {
    this.#readFile(source, path, (file) => check(readTextFile(file, maxBytes)));
  }

  #readFile(source: YamlSource, path: KeyPath, read: (file: string) => string | undefined): void {
    const name = at(source.value, path);
    if (typeof name !== 'string' || name === '') return;
    const file = resolve(this.#folder, name);
    let problem: string | undefined;
    try {
      problem = read(file);
    } catch (error) {
      if (!(error instanceof TextFileError)) throw error;
      problem = error.why;
    }
    if (problem !== undefined) this.#add(source.valueAt(path), path, `${file} ${problem}`);
  }

  #add(position: Position, path: KeyPath, message: string): void {
    this.#problems.push({ at: position, where: pathText(path), message });
  }

  #fail(): never {
    const seen = new Set<string>();
    const problems = [...this.#problems]
      // Only the first problem of a key, since the others follow from it.
      .filter(({ where, at: { line, column } }) => {
        const id = where === '(syntax)' ? `${line}:${column}` : where;
        return !seen.has(id) && seen.add(id);
      })
      .sort((a, b) => a.at.line - b.at.line || a.at.column - b.at.column)
      .map((problem) => this.#text(problem.at, problem.where, problem.message));
    throw new ConfigFileError(problems);
  }
}

/** Functions that find what is wrong with the content of a secret's file. They never show the content. */
const SECRETS: Readonly<Record<SecretKey, (secret: string) => string | undefined>> = {
  tokenFile: oneLine('token'),
  passwordFile: oneLine('password'),
  nkeySeedFile: (secret) =>
    /^SU[A-Z2-7]{56}$/.test(secret)
      ? undefined
      : 'holds no seed of a user nkey (58 characters that begin with SU)',
  credsFile: (secret) =>
    secret.includes('BEGIN NATS USER JWT') && secret.includes('BEGIN USER NKEY SEED')
      ? undefined
      : 'is no credentials file: it needs a NATS USER JWT and a USER NKEY SEED',
};

function oneLine(what: string) {
  return (secret: string): string | undefined =>
    /[\r\n]/.test(secret) ? `has several lines; it must hold the ${what} alone` : undefined;
}

/** By each of these keys: the key before them that has no value, to which they may belong. */
function emptyBefore(group: unknown, keys: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  let owner: string | undefined;
  for (const [key, value] of Object.entries(isGroup(group) ? group : {})) {
    if (!keys.includes(key)) owner = value === null ? key : undefined;
    else if (owner !== undefined) found.set(key, owner);
  }
  return found;
}

/** Whether the value is not a list or group at all. */
const isWrongKind = ({ code, path }: z.core.$ZodIssue): boolean =>
  code === 'invalid_type' && path.length === 0;

/**
 * An environment variable is a text. Where the schema refuses a text, this function
 * replaces it by the number or boolean that it stands for. True if a value was changed.
 */
function takeMeanings(
  source: YamlSource,
  issues: readonly z.core.$ZodIssue[],
  above: KeyPath = [],
): boolean {
  let changed = false;
  for (const issue of issues) {
    const path = [...above, ...(issue.path as KeyPath)];
    if (issue.code === 'invalid_union') {
      changed = takeMeanings(source, issue.errors.flat(), path) || changed;
    }
    const meaning = source.meaningAt(path);
    const parent = at(source.value, path.slice(0, -1));
    if (meaning === undefined || typeof parent !== 'object' || parent === null) continue;
    changed = Reflect.set(parent, path.at(-1) ?? '', meaning) || changed;
  }
  return changed;
}

function at(value: unknown, path: KeyPath): unknown {
  let inner = value;
  for (const part of path) {
    if (typeof inner !== 'object' || inner === null || !Object.hasOwn(inner, part))
      return undefined;
    inner = Reflect.get(inner, part);
  }
  return inner;
}

function textAt(value: unknown, key: string): string | undefined {
  const inner = at(value, [key]);
  return typeof inner === 'string' ? inner : undefined;
}
