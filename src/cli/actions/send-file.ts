/** `siot-mcu send-file`. */
import { createHash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { commandWord } from '../../point/command-word.js';
import type { FileVerbReply } from '../../gateway/control/verbs/file-message.js';
import type { FileProgress } from '../../session/files/file.js';
import { readConfigFile } from '../config-file.js';
import { CliError, EXIT_WRONG, errorText } from '../errors.js';
import { FileProgressOutput } from '../file-progress.js';
import { GatewayClient } from '../gateway-client.js';
import { onInterrupt } from '../interrupt.js';
import { findLink } from '../links.js';
import type { ConfigOption, JsonOption } from '../options.js';
import { complain } from '../streams.js';

export interface SendFileOptions extends ConfigOption, JsonOption {
  readonly as?: string;
  readonly abort?: true;
  readonly follow?: true;
}

const LOOK_EVERY_MS = 500;
/** A gateway that is started again answers within this time. */
const AWAY_MS = 60_000;

export async function sendFile(
  link: string,
  file: string | undefined,
  options: SendFileOptions,
): Promise<void> {
  const ways = [file !== undefined, options.abort === true, options.follow === true];
  if (ways.filter(Boolean).length !== 1) {
    throw new CliError('give one of FILE, --abort and --follow', EXIT_WRONG);
  }
  if (options.as !== undefined && file === undefined) {
    throw new CliError('--as names a FILE, and there is none', EXIT_WRONG);
  }
  const content = file === undefined ? undefined : await openFile(file);
  const client = new GatewayClient(readConfigFile(options.config, process.env));
  const interrupted = new AbortController();
  let unwatch: (() => void) | undefined;
  try {
    await client.connect();
    findLink((await client.status()).links, link);
    unwatch = onInterrupt(() => interrupted.abort());
    const output = new FileProgressOutput(link, options.json === true);
    if (content !== undefined) {
      const name = options.as ?? basename(file ?? '');
      await give(client, { link, name, content }, output, interrupted.signal);
    } else if (options.abort === true) {
      ask(await client.file({ link, do: 'abort' }));
    }
    await follow(client, link, output, interrupted.signal, options.abort === true);
  } finally {
    unwatch?.();
    await content?.handle.close();
    await client.close();
  }
}

interface Content {
  readonly handle: FileHandle;
  readonly size: number;
}

async function openFile(path: string): Promise<Content> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const found = await handle.stat();
    if (!found.isFile()) throw new CliError(`${path} is no file`, EXIT_WRONG);
    return { handle, size: found.size };
  } catch (error) {
    await handle?.close();
    if (error instanceof CliError) throw error;
    throw new CliError(errorText(error), EXIT_WRONG, { cause: error });
  }
}

/** Gives the gateway the whole file, or nothing of it. */
async function give(
  client: GatewayClient,
  { link, name, content }: { link: string; name: string; content: Content },
  output: FileProgressOutput,
  interrupted: AbortSignal,
): Promise<void> {
  const { size } = content;
  const begun = givenOf(await client.file({ link, do: 'begin', name, size }));
  let sha256: string;
  try {
    sha256 = await givePieces(client, { link, content, begun }, output, interrupted);
  } catch (error) {
    // Nobody else has to wait until the gateway forgets what it was given.
    await client.file({ link, do: 'abort', upload: begun.upload }).catch(() => undefined);
    throw error;
  }
  ask(await client.file({ link, do: 'send', upload: begun.upload, sha256 }));
}

type Given = Extract<FileVerbReply, { readonly state: 'given' }>;

/** Returns the SHA-256 of what was given, hex. */
async function givePieces(
  client: GatewayClient,
  { link, content, begun }: { link: string; content: Content; begun: Given },
  output: FileProgressOutput,
  interrupted: AbortSignal,
): Promise<string> {
  const { handle, size } = content;
  const { upload } = begun;
  const hash = createHash('sha256');
  let { chunkBytes } = begun;
  for (let at = 0; at < size;) {
    if (interrupted.aborted) {
      throw new CliError('stopped before the gateway had the file: nothing is sent');
    }
    const length = Math.min(size - at, chunkBytes);
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, at);
    if (bytesRead === 0) {
      throw new CliError('the file has become shorter while it was read: nothing is sent');
    }
    const bytes = buffer.subarray(0, bytesRead);
    hash.update(bytes);
    const data = bytes.toString('base64');
    ({ chunkBytes } = givenOf(await client.file({ link, do: 'chunk', upload, at, data })));
    at += bytesRead;
    output.given(at, size);
  }
  return hash.digest('hex');
}

function givenOf(reply: FileVerbReply): Given {
  const answer = ask(reply);
  if (answer.state === 'given') return answer;
  throw new CliError('the gateway answers otherwise: use the same version');
}

/** Until the file has ended, or the person leaves. */
async function follow(
  client: GatewayClient,
  link: string,
  output: FileProgressOutput,
  interrupted: AbortSignal,
  isAborting: boolean,
): Promise<void> {
  let answeredMs = performance.now();
  for (;;) {
    if (interrupted.aborted) throw left(link, output);
    const file = await look(client, link, performance.now() - answeredMs < AWAY_MS);
    if (file === 'none') throw new CliError(`no file was sent to ${link}`);
    if (file !== 'away') {
      answeredMs = performance.now();
      output.progress(file);
      if (file.state !== 'sending') {
        end(link, file, output, isAborting);
        return;
      }
    }
    await setTimeout(LOOK_EVERY_MS, undefined, { signal: interrupted }).catch(() => undefined);
  }
}

/** `away`: the gateway does not answer, and may be starting again. */
async function look(
  client: GatewayClient,
  link: string,
  isPatient: boolean,
): Promise<FileProgress | 'none' | 'away'> {
  let reply: FileVerbReply;
  try {
    reply = await client.file({ link, do: 'look' });
  } catch (error) {
    if (isPatient && error instanceof CliError) return 'away';
    throw error;
  }
  // A gateway that was just started has no links yet.
  if (reply.state === 'refused' && isPatient) return 'away';
  const answer = ask(reply);
  return answer.state === 'file' ? (answer.file ?? 'none') : 'none';
}

function end(
  link: string,
  file: FileProgress,
  output: FileProgressOutput,
  isAborting: boolean,
): void {
  output.end(file);
  const { name, state, error } = file;
  if (state === 'done' || (state === 'aborted' && isAborting)) return;
  if (state === 'aborted')
    throw new CliError(`somebody has ended the sending of ${name} to ${link}`);
  throw new CliError(`${name} was not sent to ${link}: ${error ?? 'for an unknown reason'}`);
}

function left(link: string, output: FileProgressOutput): CliError {
  output.leave();
  const word = commandWord(link);
  complain(
    `the gateway goes on sending; watch it: siot-mcu send-file ${word} --follow; ` +
      `end it: siot-mcu send-file ${word} --abort`,
  );
  return new CliError('not finished yet');
}

/** Throws a {@link CliError} with the reason of a refusal. */
function ask(reply: FileVerbReply): Exclude<FileVerbReply, { readonly state: 'refused' }> {
  if (reply.state === 'refused') throw new CliError(reply.reason);
  return reply;
}
