/** Requests and answers of the verb `file`, as JSON. */
import type { FileReply, FileRequest } from '../control.js';

/** A piece of a file. */
export interface FileChunk {
  readonly link: string;
  readonly do: 'chunk';
  readonly upload: string;
  readonly at: number;
  /** In base64, at most `chunkBytes` of the last answer. */
  readonly data: string;
}

export type FileVerbRequest = Exclude<FileRequest, { readonly do: 'chunk' }> | FileChunk;

export type FileVerbReply =
  | Exclude<FileReply, { readonly state: 'given' }>
  | (Extract<FileReply, { readonly state: 'given' }> & {
      /** Most bytes of the next piece: with a header and in base64 it fits into a message. */
      readonly chunkBytes: number;
    });
