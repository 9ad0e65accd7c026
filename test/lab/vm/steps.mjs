// Programs that prepare the lab and must succeed.
import { runChild } from '../../../tools/children.mjs';
import { SetupError } from '../../../tools/setup-common.mjs';
import { fullPath } from './packages.mjs';

/** What a program says is shown; its output goes to `stdout`, a descriptor, or with the rest. */
export async function must(what, program, args, { stdin = 'ignore', stdout = 2 } = {}) {
  const env = { ...process.env, PATH: fullPath() };
  const status = await runChild(program, args, { stdio: [stdin, stdout, 2], env });
  if (status !== 0) {
    throw new SetupError(`${what} failed (exit status ${status}); what it said is above`);
  }
}
