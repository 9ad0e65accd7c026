/** Names of users and groups, from /etc; the number where there is no name. */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';

export function groupName(gid: number): string {
  return nameIn('/etc/group', gid);
}

/** Whether /etc/group has the user as a member of the group, in which a process need not be yet. */
export function isMember(user: string, gid: number): boolean {
  return linesOf('/etc/group').some((line) => {
    const [, , id, members = ''] = line.split(':');
    return id === String(gid) && members.split(',').includes(user);
  });
}

/** Whether there is a group with this name. */
export function isGroup(name: string): boolean {
  return linesOf('/etc/group').some((line) => line.startsWith(`${name}:`));
}

export function ownerName(uid: number): string {
  return nameIn('/etc/passwd', uid);
}

/** Name of the user that this process runs as. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return 'of this process'; // no entry in /etc/passwd, as in some containers
  }
}

function nameIn(file: string, wanted: number): string {
  for (const line of linesOf(file)) {
    const [name, , id] = line.split(':');
    if (name !== undefined && name !== '' && id === String(wanted)) return name;
  }
  return String(wanted);
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n');
  } catch {
    return [];
  }
}
