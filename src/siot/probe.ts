import { isCompact } from '../packet/compact.js';
import type { Answer, Connection } from './connection.js';
import { decodeNodes } from './node-reply.js';
import type { Generation } from './wire.js';

/** How long SIOT may take to answer, in ms. Its own clients wait 1 s. */
const WITHIN_MS = 2_000;

const NOTHING = new Uint8Array(0);

/**
 * Which generation answers; `undefined`: none does, or nothing that is known.
 * Without side effects (siot-interop.md, 6). The first reply has the server's
 * token in clear: it goes no further than this.
 */
export async function probe(connection: Connection): Promise<Generation | undefined> {
  const uri = await connection.request('auth.getNatsURI', NOTHING, WITHIN_MS);
  if (uri === 'lost') return undefined;
  const told = generationOfPoints(uri);
  if (told !== undefined) return told;
  const root = await connection.request('nodes.root.all', NOTHING, WITHIN_MS);
  if (!(root instanceof Uint8Array)) return undefined;
  const reply = decodeNodes(root);
  return reply.kind === 'nodes' ? reply.generation : undefined;
}

/** `02 00 00 00 …` is a count, `0a …` with not only zeros after it a protobuf tag. */
function generationOfPoints(answer: Answer): Generation | undefined {
  if (!(answer instanceof Uint8Array) || answer.length < 4) return undefined;
  if (isCompact(answer)) return 2;
  return answer[0] === 0x0a ? 1 : undefined;
}
