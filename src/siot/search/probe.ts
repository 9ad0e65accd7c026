import { isCompact } from '../../packet/compact.js';
import type { Answer, Connection } from '../connection/connection.js';
import { decodeNodes } from '../nodes/node-reply.js';
import type { Generation } from '../wire/wire.js';

/** How long SIOT may take to answer, in ms. Its own clients wait 1 s. */
const WITHIN_MS = 2_000;

const NOTHING = new Uint8Array(0);

/**
 * Finds out which generation of SIOT answers; `undefined`: none does within 4 s. Changes
 * nothing in SIOT (docs/siot.md, 6). The first reply contains the server's token as plain
 * text. Therefore it is not kept.
 *
 * @param late called when a store answers later
 */
export async function probe(
  connection: Pick<Connection, 'request'>,
  late: (generation: Generation) => void = () => undefined,
): Promise<Generation | undefined> {
  const ask = async (
    subject: string,
    read: (answer: Answer) => Generation | undefined,
  ): Promise<Generation | 'lost' | undefined> => {
    const answer = await connection.request(subject, NOTHING, WITHIN_MS, (after) => {
      const told = read(after);
      if (told !== undefined) late(told);
    });
    return answer === 'lost' ? answer : read(answer);
  };
  const told =
    (await ask('auth.getNatsURI', generationOfPoints)) ??
    (await ask('nodes.root.all', generationOfNodes));
  return told === 'lost' ? undefined : told;
}

/**
 * The first bytes show it: `02 00 00 00 …` is a count (generation 2). `0a …` is a tag of
 * protobuf (generation 1), unless only zeros follow.
 */
function generationOfPoints(answer: Answer): Generation | undefined {
  if (!(answer instanceof Uint8Array) || answer.length < 4) return undefined;
  if (isCompact(answer)) return 2;
  return answer[0] === 0x0a ? 1 : undefined;
}

function generationOfNodes(answer: Answer): Generation | undefined {
  if (!(answer instanceof Uint8Array)) return undefined;
  const reply = decodeNodes(answer);
  return reply.kind === 'nodes' ? reply.generation : undefined;
}
