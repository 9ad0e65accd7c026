/** What people can do about each code of the system. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist, or a folder of its path does not; check the name',
  ENOTDIR: 'a part of its path is no folder; check the name',
  EISDIR: 'it is a folder; name a file',
  EACCES: 'this user may not; change its mode or owner, or name another one',
  EPERM: 'this user may not; change its mode or owner, or name another one',
  EROFS: 'its file system is read-only; name another place',
  ENOSPC: 'the disk is full',
  EEXIST: 'something of this name exists; name another one',
  ELOOP: 'its symbolic links lead back to themselves',
  EBUSY: 'another program has it',
};

/** Why a file, port or folder cannot be used, for people; without the code of the system. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  // Node says `ENXIO: no such device or address, open '/dev/x'`.
  const [, words] = /^E[A-Z0-9]+: (.*?)(?:, [a-z]+(?: '.*)?)?$/.exec(error.message) ?? [];
  return REASONS[code] ?? words ?? error.message;
}
