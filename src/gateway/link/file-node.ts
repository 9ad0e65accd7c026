import { createHash } from 'node:crypto';
import { canonicalKey, isDeleted, isTrue, textOf, type Point } from '../../point/point.js';

/** What a file node of SIOT has, or why it cannot be sent, for people. */
export type FileNodeContent =
  | { readonly bytes: Uint8Array }
  | {
      readonly problem: string;
      /** SIOT may still be writing it: it is worth reading once more. */
      readonly again: boolean;
    };

/**
 * The content of the file of this name among the file nodes below a link (docs/siot.md,
 * 5.1): its text, or with `binary` what the text holds in base64. Where SIOT has computed
 * a hash, the MD5 of the content, it is checked.
 */
export function contentOfFileNode(
  nodes: readonly (readonly Point[])[],
  name: string,
): FileNodeContent {
  const named = nodes.filter((points) => textIn(points, 'name') === name);
  const [points] = named;
  if (points === undefined) {
    return {
      problem: `no file node named ${JSON.stringify(name)} is below this node`,
      again: true,
    };
  }
  if (named.length > 1) {
    const problem = `${String(named.length)} file nodes below this node are named ${JSON.stringify(name)}: it is not clear which one is meant`;
    return { problem, again: false };
  }
  const data = textIn(points, 'data') ?? '';
  const isBinary = isTrue(find(points, 'binary')?.value ?? { kind: 'none' });
  const bytes = isBinary ? fromBase64(data) : Buffer.from(data);
  if (bytes === undefined) {
    return {
      problem: 'the data of the file node is no base64, which its point binary says it is',
      again: true,
    };
  }
  const hash = textIn(points, 'hash') ?? '';
  const computed = createHash('md5').update(bytes).digest('hex');
  if (hash !== '' && hash.toLowerCase() !== computed) {
    const problem = `the file does not match its hash: the MD5 of its ${String(bytes.length)} bytes is ${computed}, and the file node says ${hash}`;
    return { problem, again: true };
  }
  return { bytes };
}

const find = (points: readonly Point[], type: string): Point | undefined =>
  points.find(
    (point) => point.type === type && canonicalKey(point.key) === '0' && !isDeleted(point),
  );

function textIn(points: readonly Point[], type: string): string | undefined {
  const point = find(points, type);
  return point === undefined ? undefined : textOf(point.value);
}

/** As Go reads it, line breaks left out; `undefined`: it is something else. */
function fromBase64(text: string): Uint8Array | undefined {
  const joined = text.replaceAll(/[\r\n]/g, '');
  if (joined.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(joined)) return undefined;
  return Buffer.from(joined, 'base64');
}
