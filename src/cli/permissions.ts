/** Says why this user may not read a file, and what helps. */
import { accessSync, constants, statSync } from 'node:fs';
import { dirname, join, parse, resolve, sep } from 'node:path';
import { groupName, isGroup, isMember, ownerName, userName } from '../linux/accounts.js';

/** The group of the service, and of those who may use its commands. */
const GROUP = 'siot-mcu';
const GROUP_READS = 0o040;
const GROUP_ENTERS = 0o010;

/**
 * To be written behind the file's name: `may not be read by user anna, who is not in the
 * group siot-mcu: …`. To be called when reading it was denied. `remedy`: what helps where no
 * group may read it, if that is not to let one.
 */
export function whyDenied(file: string, remedy?: string): string {
  const path = resolve(file);
  const place = closedPart(path);
  const user = userName();
  const found = statOf(place);
  const denied = `may not be read by user ${user}`;
  const unexplained = `${denied}; change its owner or mode`;
  if (found === undefined) return unexplained;
  const isFile = place === path;
  const needed = isFile ? GROUP_READS : GROUP_ENTERS;
  const where = isFile ? 'it' : `the folder ${place}`;
  // Nobody is advised to join the group of root.
  if ((found.mode & needed) === needed && found.gid !== 0) {
    if (process.getgroups?.().includes(found.gid) === true) return unexplained;
    const group = groupName(found.gid);
    const through = isFile ? '' : `, to which ${where} belongs`;
    return isMember(user, found.gid)
      ? `${denied}: this login is older than the membership in the group ${group}${through}: log in again`
      : `${denied}, who is not in the group ${group}${through}: ` +
          `\`sudo usermod -aG ${group} ${user}\`, then log in again`;
  }
  const owner = ownerName(found.uid);
  const asOwner = found.uid === 0 ? 'with sudo' : `as that user (sudo -u ${owner} …)`;
  return `${denied}: ${where} is for ${owner} alone. Run the command ${asOwner}, or ${remedy ?? groupRemedy(place, isFile)}`;
}

function groupRemedy(place: string, isFile: boolean): string {
  const group = isGroup(GROUP) ? GROUP : 'GROUP';
  const mode = isFile ? '0640' : '0750';
  return `let a group read it: \`sudo chgrp ${group} ${place}\` and \`sudo chmod ${mode} ${place}\``;
}

/** The first folder on the way to a file that this user may not enter, else the file itself. */
function closedPart(path: string): string {
  let folder = parse(path).root;
  for (const part of dirname(path).split(sep)) {
    folder = join(folder, part);
    try {
      accessSync(folder, constants.X_OK);
    } catch {
      return folder;
    }
  }
  return path;
}

function statOf(path: string): { mode: number; uid: number; gid: number } | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
