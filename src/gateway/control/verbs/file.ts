import { z } from 'zod';
import type { FileReply } from '../control.js';
import type { FileChunk, FileVerbReply, FileVerbRequest } from './file-message.js';
import { json, NOT_UNDERSTOOD, readRequest, type Verb } from './verb.js';

const link = z.string();
const count = z.int().min(0);

const fileVerbRequest: z.ZodType<FileVerbRequest> = z.discriminatedUnion('do', [
  z.object({ link, do: z.literal('begin'), name: z.string(), size: count }),
  z.object({ link, do: z.literal('chunk'), upload: z.string(), at: count, data: z.base64() }),
  z.object({ link, do: z.literal('send'), upload: z.string(), sha256: z.string() }),
  z.object({ link, do: z.literal('look') }),
  z.object({ link, do: z.literal('abort'), upload: z.string().optional() }),
]);

/** Most bytes of a piece: many fit into a second, and none holds up other requests. */
const LARGEST_CHUNK = 131_072;
/** Of a message with a piece, besides its data. */
const HEAD_BYTES = 1_024;

/** Request: a `FileVerbRequest`. Answer: a `FileVerbReply`. */
export const fileVerb: Verb = (face) => async (request, asker) => {
  const asked = readRequest(fileVerbRequest, request);
  if (asked === undefined) {
    asker.reply(json(NOT_UNDERSTOOD));
    return;
  }
  const reply = await face.control.file(asked.do === 'chunk' ? chunkOf(asked) : asked);
  asker.reply(json(withChunkBytes(reply, face.mostBytes())));
};

const chunkOf = ({ data, ...rest }: FileChunk) => ({ ...rest, bytes: Buffer.from(data, 'base64') });

/** A message is as large in both directions. Base64 has four characters for three bytes. */
function withChunkBytes(reply: FileReply, mostBytes: number): FileVerbReply {
  if (reply.state !== 'given') return reply;
  const room = Math.floor(((mostBytes - HEAD_BYTES) * 3) / 4);
  return { ...reply, chunkBytes: Math.max(1, Math.min(LARGEST_CHUNK, room)) };
}
