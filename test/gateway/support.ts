import type { ControlledLink } from '../../src/gateway/control/controlled.js';
import { cpSync, lstatSync } from 'node:fs';

/** The files of a link for the control interface: it takes each step, and nothing is sent. */
export const FILES: ControlledLink['files'] = {
  ready: Promise.resolve(),
  progress: undefined,
  begin: () => Promise.resolve({ upload: '1' }),
  chunk: () => Promise.resolve(undefined),
  send: () => Promise.resolve({ done: undefined }),
  forget: () => Promise.resolve(false),
  abort: () => false,
};

/** Lets promise continuations run that need no more than the processor. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** What a link's file says, the last line of each counting. */
export function linesOf(file: Uint8Array): {
  session: Record<string, unknown>;
  judge: Record<string, unknown>;
  settings: Record<string, unknown>[];
} {
  const settings = new Map<string, Record<string, unknown>>();
  let head: Record<string, Record<string, unknown>> = {};
  for (const line of Buffer.from(file).toString('utf8').split('\n')) {
    if (line === '') continue;
    const entry = JSON.parse(line.slice(5)) as Record<string, unknown>;
    if (entry.of === 'link') head = entry as typeof head;
    else settings.set(`${String(entry.type)} ${String(entry.key)}`, entry);
  }
  return {
    session: head.session ?? {},
    judge: head.judge ?? {},
    settings: [...settings.values()],
  };
}

/** Copies the folder of a gateway that runs, as if it were killed now: its socket is none of what is left. */
export function copyAsKilled(folder: string, to: string): void {
  const filter = (path: string): boolean => !lstatSync(path).isSocket();
  cpSync(folder, to, { recursive: true, filter });
}
