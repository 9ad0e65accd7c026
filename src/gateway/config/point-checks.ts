/** Checks of `points` of a link, which say what its points are. */
import {
  NUMBER_FIELDS,
  POINT_KINDS,
  pointInfoProblems,
  pointTarget,
  type PointInfo,
} from '../../point/point-info.js';
import { POINT_INFO_TYPE, isReservedType } from '../../point/reserved.js';
import { MAX_TOKEN_BYTES, isTooLong } from '../../point/token.js';
import { groupAt, has, isGroup, listAt, type ConfigProblem, type Placed } from './parts.js';

/** Problems of `points` of one link. */
export function pointProblems({ link, path }: Placed): ConfigProblem[] {
  const points = groupAt(link, 'points');
  const isOnBus = groupAt(link, 'transport').type === 'can-signals';
  const problems: ConfigProblem[] = [];
  for (const [name, entry] of Object.entries(points)) {
    const at = [...path, 'points', name];
    const { type } = pointTarget(name);
    const why = whyNot(name, type);
    if (why !== undefined) problems.push({ path: at, message: why });
    if (!isGroup(entry)) continue;
    for (const { field, message } of pointInfoProblems(wellFormed(entry))) {
      problems.push({ path: [...at, field], message });
    }
    if (isOnBus && has(entry, 'scale')) {
      const message = 'does not go with can-signals: the database has the scale; take it out';
      problems.push({ path: [...at, 'scale'], message });
    }
  }
  const most = link.maxPoints;
  const count = Object.keys(points).length;
  if (typeof most === 'number' && count > most) {
    const message = `has ${count} entries, and the link at most ${most} points; raise maxPoints`;
    problems.push({ path: [...path, 'points'], message });
  }
  return problems;
}

function whyNot(name: string, type: string): string | undefined {
  if (isTooLong(name)) return `has more than ${MAX_TOKEN_BYTES} bytes; name the type alone`;
  if (type === POINT_INFO_TYPE) return 'is how a device announces its points; take it out';
  if (!isReservedType(type)) return undefined;
  return `"${type}" is the gateway's own point; take it out`;
}

/** The fields of the right type: the others have a message of their own. */
function wellFormed(entry: Readonly<Record<string, unknown>>): PointInfo {
  const kind = POINT_KINDS.find((one) => one === entry.kind);
  const numbers = NUMBER_FIELDS.filter((field) => typeof entry[field] === 'number');
  const values = listAt(entry, 'values').filter(
    (value) => typeof value === 'number' || typeof value === 'string',
  );
  return {
    ...(kind === undefined ? {} : { kind }),
    ...Object.fromEntries(numbers.map((field) => [field, entry[field]])),
    ...(values.length === 0 ? {} : { values }),
  };
}
