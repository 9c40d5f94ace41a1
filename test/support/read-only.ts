// A process as in a container whose root file system is read-only: a mount namespace of its own in which one folder alone can
// be written, and a user without rights. Needs Linux, and root or user namespaces.

import { spawnSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { ROOT_DIR } from '../../infra/local/stack/parts.ts';

/** The user id of the unprivileged user `nobody`. */
const USER_ID = 65_534;
const isRoot = process.getuid?.() === 0;

/** Where the command finds this folder: the one above it may be closed to other users. */
const ROOT_SEEN_AT = '/mnt';

/** Makes every mount but one read-only; what follows is the command. */
const SCRIPT = `set -e; root=$1; dir=$2; shift 2
mount --bind "$root" ${ROOT_SEEN_AT}
mount --bind "$dir" "$dir"
for at in $(cut -d' ' -f5 /proc/self/mountinfo); do
  [ "$at" = "$dir" ] || mount -o remount,bind,ro "$at" 2>/dev/null || true
done
cd /
if touch /tmp/written 2>/dev/null; then echo 'still to be written' >&2; exit 9; fi
exec "$@"`;

const UNSHARE = ['--mount', '--propagation', 'private', ...(isRoot ? [] : ['--user', '--map-root-user'])];
const AS_UNPRIVILEGED = isRoot
  ? ['setpriv', `--reuid=${USER_ID}`, `--regid=${USER_ID}`, '--clear-groups', '--no-new-privs']
  : [];

/** Why this machine cannot do it; null when it can. */
export function whyNotReadOnly(dir: string): string | null {
  const [command, args] = readOnly(dir, 'true', []);
  const { status, error, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? null : (error?.message ?? stderr);
}

/** The command that runs another with nothing to write to but `dir`, which is given to the user that it runs as. */
export function readOnly(
  dir: string,
  command: string,
  args: readonly string[],
): [command: string, args: string[]] {
  if (isRoot) chownSync(dir, USER_ID, USER_ID);
  const seen = [command, ...args].map((part) => part.replaceAll(ROOT_DIR, ROOT_SEEN_AT));
  return ['unshare', [...UNSHARE, 'sh', '-c', SCRIPT, 'sh', ROOT_DIR, dir, ...AS_UNPRIVILEGED, ...seen]];
}
