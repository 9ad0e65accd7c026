import type { ControlledLink } from './controlled.js';
import type { FileReply, FileRequest, Refused } from './control.js';

/** A request about the files of a link (`Control.file`). */
export async function fileRequest(
  request: FileRequest,
  files: ControlledLink['files'],
): Promise<FileReply> {
  // What an earlier life of the gateway had begun counts as well.
  await files.ready;
  switch (request.do) {
    case 'begin': {
      const begun = await files.begin(request.name, request.size);
      return 'refused' in begun ? refused(begun.refused) : { state: 'given', upload: begun.upload };
    }
    case 'chunk': {
      const { upload, at, bytes } = request;
      const problem = await files.chunk(upload, at, bytes);
      return problem === undefined ? { state: 'given', upload } : refused(problem);
    }
    case 'send': {
      const outcome = await files.send(request.upload, request.sha256);
      return 'refused' in outcome ? refused(outcome.refused) : fileOf(files);
    }
    case 'look':
      return fileOf(files);
    case 'abort':
      if (request.upload === undefined) {
        return files.abort() ? fileOf(files) : refused('no file is being sent to this device');
      }
      if (await files.forget(request.upload)) return fileOf(files);
      return refused('the gateway does not know this file any more');
  }
}

function fileOf({ progress }: ControlledLink['files']): FileReply {
  return { state: 'file', ...(progress === undefined ? {} : { file: progress }) };
}

const refused = (reason: string): Refused => ({ state: 'refused', reason });
