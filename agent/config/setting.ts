// A setting of the agent: as of every program, and with its place in the file.

import type { Setting as AnySetting, SettingKind } from '../../core/settings/setting.ts';

export interface Setting extends AnySetting {
  /** In the file; found there in any case. */
  readonly path: string;
  /** Where it was in the file in earlier releases, which is read with a warning. */
  readonly formerPath?: string;
}

export const setting =
  (kind: SettingKind) =>
  (path: string, byDefault: unknown, help: string, variable = variableOf(path)): Setting => ({
    path,
    variable,
    kind,
    byDefault,
    help,
  });

/** A setting that had another path before, and by it another variable. */
export const renamed = (formerPath: string, now: Setting): Setting => ({
  ...now,
  formerPath,
  formerly: variableOf(formerPath),
});

/** The original's rule: OPTIMIZELY_ and the path. Ours read as words: `fanout.s3PollInterval`, FANOUT_S3_POLL_INTERVAL. */
export function variableOf(path: string): string {
  if (!path.startsWith('fanout.')) return `OPTIMIZELY_${path.replaceAll('.', '_').toUpperCase()}`;
  const words = path.slice('fanout.'.length).replaceAll(/([A-Z])/g, '_$1');
  return `FANOUT_${words.toUpperCase()}`;
}

export const unused = (path: string, kind: SettingKind, why: string): Setting => ({
  ...setting(kind)(path, undefined, 'Accepted, without effect'),
  unused: why,
});
