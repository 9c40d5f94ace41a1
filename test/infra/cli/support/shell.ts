// A shell of a test's own: what was written, on a terminal or not, with time standing still.

import type { Shell } from '../../../../infra/cli/shell.ts';

export interface FakeShell extends Shell {
  readonly written: { out: string; err: string };
}

export function fakeShell(options: {
  readonly isTerminal: boolean;
  readonly env?: Readonly<Record<string, string>>;
}): FakeShell {
  const written = { out: '', err: '' };
  const env: Record<string, string | undefined> = { ...options.env };
  const stream = (name: 'out' | 'err') => ({
    write: (text: string) => {
      written[name] += text;
    },
    isTerminal: options.isTerminal,
    columns: 40,
  });
  return {
    written,
    env,
    adopt: (variables) => Object.assign(env, variables),
    out: stream('out'),
    err: stream('err'),
    clock: { nowMs: () => 0, after: () => ({ cancel: () => {} }) },
    random: () => 0.5,
    newId: () => 'an-id',
    fetch: () => Promise.reject(new Error('a test that needs no network asked for some')),
    interrupted: new AbortController().signal,
  };
}
