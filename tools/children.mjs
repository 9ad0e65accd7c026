// Child processes that leave nothing behind. For scripts that run before
// anything is built.
import { spawn } from 'node:child_process';
import { constants } from 'node:os';

// The child must end also when this process is killed. A watcher beside the child
// reads from a pipe that only this process holds. When the pipe closes without a line,
// the watcher ends the child; a line from here ends the watcher alone. After `exec`
// the shell's process ID is the child's.
const WATCHED = '(read -r _ <&3 || kill -TERM $$) </dev/null >/dev/null 2>&1 & exec "$0" "$@" 3<&-';

const running = new Set();
let received;

const statusOf = (signal) => 128 + constants.signals[signal];

/** The status to end with after a signal; undefined: none has come. */
export const stoppedWith = () => (received === undefined ? undefined : statusOf(received));

/** How long a program that is told to end may take for it. */
const ENDS_WITHIN_MS = 5_000;

/** Ends the child when `abort` is aborted. Returns a function that removes the listener. */
function endOn(abort, child) {
  let hard;
  const end = () => {
    child.kill('SIGTERM');
    hard = setTimeout(() => child.kill('SIGKILL'), ENDS_WITHIN_MS);
  };
  abort?.addEventListener('abort', end, { once: true });
  return () => {
    abort?.removeEventListener('abort', end);
    clearTimeout(hard);
  };
}

/**
 * Runs a program to its end, which `abort` (an AbortSignal) may bring about.
 * Resolves to its exit status, 128 + n for signal n. `stdio` names the three
 * streams as for `spawn`.
 */
export function runChild(program, args, { stdio, env = process.env, abort }) {
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', WATCHED, program, ...args], {
      stdio: [...stdio, 'pipe'],
      env,
    });
    running.add(child);
    const forget = endOn(abort, child);
    const leash = child.stdio[3];
    leash.on('error', () => undefined);
    child.once('error', (cause) => {
      running.delete(child);
      forget();
      reject(new Error(`${program} cannot be started: ${cause.message}`, { cause }));
    });
    child.once('exit', (code, signal) => {
      running.delete(child);
      forget();
      leash.end('done\n');
      // A signal has come: what was to run after the child is not run.
      if (received !== undefined && code !== 0) process.exit(code ?? statusOf(signal));
      resolve(code ?? statusOf(signal));
    });
  });
}

/**
 * From now on signals go to the running child, whose end then ends this
 * process. Without a child they end it at once.
 */
export function forwardSignals() {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      if (running.size === 0) process.exit(statusOf(signal));
      // A daemon reads its configuration again, and runs on.
      if (signal !== 'SIGHUP') received = signal;
      for (const child of running) child.kill(signal);
    });
  }
}
