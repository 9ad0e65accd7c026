import { confirmVerb } from './confirm.js';
import { setVerb } from './set.js';
import { statusVerb } from './status.js';
import { undeleteVerb } from './undelete.js';
import type { Verb } from './verb.js';

/** A further verb is one file beside this one and one line here. */
export const VERBS = {
  status: statusVerb,
  set: setVerb,
  confirm: confirmVerb,
  undelete: undeleteVerb,
} satisfies Readonly<Record<string, Verb>>;

/** The last word of a verb's subject. */
export type VerbName = keyof typeof VERBS;
