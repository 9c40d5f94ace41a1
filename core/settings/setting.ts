// A setting of any program: its variable, its default, and a line of help. --help, the documents and the readers all go by lists
// of settings, so that none of them knows a setting that the others do not.

import type { Findings } from './tree.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `text` also stands for numbers, durations and such; `map` and `objects` are JSON in a variable. */
export type SettingKind = 'text' | 'list' | 'map' | 'objects';

export interface Setting {
  readonly variable: string;
  readonly kind: SettingKind;
  /** As it would be written; undefined: not set. */
  readonly byDefault: unknown;
  readonly help: string;
  /** Why it has no effect here; such settings are the original's and are accepted with a warning. */
  readonly unused?: string;
  /** The variable's name in earlier releases, which is read with a warning. */
  readonly formerly?: string;
}

/** A variable as the operator set it. */
export interface Given {
  /** Its own name, or the former one. */
  readonly name: string;
  /** Trimmed, not empty. */
  readonly text: string;
}

/** Null when the variable is absent or blank: shells and manifests cannot always leave one out. */
export function givenIn(env: Environment, { variable, formerly }: Setting, findings: Findings): Given | null {
  const text = env[variable]?.trim();
  const old = formerly === undefined ? undefined : env[formerly]?.trim();
  if (formerly !== undefined && old) {
    const what = text ? `has no effect: ${variable} is set too` : `is now called ${variable}; rename it`;
    findings.warnings.push(`${formerly} ${what}`);
  }
  if (text) return { name: variable, text };
  return formerly !== undefined && old ? { name: formerly, text: old } : null;
}

/** A default as an operator would write it; empty where there is none. */
export function shownDefault({ byDefault }: Setting): string {
  if (byDefault === undefined) return '';
  if (Array.isArray(byDefault)) return byDefault.join(',');
  return typeof byDefault === 'object' ? JSON.stringify(byDefault) : String(byDefault);
}

/** For --help: the setting's names, one a line, and its help with the default. */
export function settingHelp(names: readonly string[], setting: Setting): string {
  const { help, unused } = setting;
  const value = shownDefault(setting);
  const text = unused === undefined ? help : `Accepted, without effect: ${unused}`;
  const more = value === '' ? '' : ` [${value}]`;
  return [...names.map((name) => `  ${name}`), `      ${text}${more}`].join('\n');
}
