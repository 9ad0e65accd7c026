import { nearest } from '../gateway/config/nearest.js';
import { CliError, EXIT_WRONG } from './errors.js';
import type { LinkStatus } from '../gateway/link/status.js';

/** The link with a name that somebody typed. Throws a {@link CliError} with the names of all links if there is none. */
export function findLink(links: readonly LinkStatus[], name: string): LinkStatus {
  const found = links.find((link) => link.name === name);
  if (found !== undefined) return found;
  const names = links.map((link) => link.name);
  const near = nearest(name, names);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  const all = names.length === 0 ? 'it has none' : `there are: ${names.join(', ')}`;
  throw new CliError(`the gateway has no link ${JSON.stringify(name)}${hint} (${all})`, EXIT_WRONG);
}
