import { confirmVerb } from './confirm.js';
import { logsVerb } from './logs.js';
import { fileVerb } from './file.js';
import { pointsVerb } from './points.js';
import { restartsVerb } from './restarts.js';
import { setVerb } from './set.js';
import { statusVerb } from './status.js';
import { undeleteVerb } from './undelete.js';
import type { Verb } from './verb.js';

/** The verbs of all faces. A further one is one file beside this one and one line here. */
export const VERBS = {
  status: statusVerb,
  set: setVerb,
  points: pointsVerb,
  logs: logsVerb,
  restarts: restartsVerb,
  confirm: confirmVerb,
  file: fileVerb,
  undelete: undeleteVerb,
} satisfies Readonly<Record<string, Verb>>;

/** On NATS the last word of the subject. */
export type VerbName = keyof typeof VERBS;
