// What a setting is: where it is in the file, its variable, its default, and a line of help.

/** `text` also stands for numbers, durations and such; `map` and `objects` are JSON in a variable. */
export type SettingKind = 'text' | 'list' | 'map' | 'objects';

export interface Setting {
  /** Its path in the file, where upper and lower case are the same. */
  readonly path: string;
  readonly variable: string;
  readonly kind: SettingKind;
  /** As it would be written; undefined: not set. */
  readonly byDefault: unknown;
  readonly help: string;
  /** Why it has no effect here; such settings are the original's and are accepted with a warning. */
  readonly unused?: string;
}

export const setting =
  (kind: SettingKind) =>
  (path: string, byDefault: unknown, help: string, variable = variableOf(path)): Setting => ({
    ...{ path, variable, kind, byDefault, help },
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
