// What runs in the guest, as a shell script.
import { fullPath } from './packages.mjs';

export const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

/** Of the host's environment, what programs in the guest have as well. */
const INHERITED = /^(CI|HOME|LANG|LC_.*|TERM|TZ|SIOT_.*|LAB_.*|GITHUB_ACTIONS)$/;

/** The environment in the guest; `colors`: the output goes to a terminal. */
export function guestEnvironment({ env = process.env, path = fullPath(), colors = false } = {}) {
  const inherited = Object.entries(env).filter(([name]) => INHERITED.test(name));
  return {
    ...Object.fromEntries(inherited),
    PATH: path,
    ...(colors ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }),
  };
}

/** A script that runs a command in a folder, and ends with its status. */
export function jobScript({ folder, command, env, terminal }) {
  const size =
    terminal === undefined ? [] : [`stty rows ${terminal.rows} cols ${terminal.columns}`];
  return [
    `cd ${quoted(folder)} || exit 127`,
    ...Object.entries(env).map(([name, text]) => `export ${name}=${quoted(text)}`),
    ...size,
    `exec ${command.map(quoted).join(' ')}`,
    '',
  ].join('\n');
}
