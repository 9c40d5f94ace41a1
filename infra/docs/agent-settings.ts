// The agent's settings as tables of the page about configuration, from the list that the agent itself reads.

import { SETTINGS, type Setting } from '../../agent/config/settings.ts';
import { shownDefault } from '../../core/settings/setting.ts';
import { code, markdownTable } from './markdown.ts';
import type { Writers } from './pages.ts';

const BUS = /^fanout\.(nats|receiverUrl)/;
const RECORD = /^fanout\.(bucket|s3)/;
const LIMITS = /^fanout\..*Max$/;
const SIGNING = /^fanout\.sign/;

/** The first that a setting fits is its section; each is a part of the page. */
const SECTIONS: readonly (readonly [name: string, fits: (setting: Setting) => boolean])[] = [
  ['agent-unused', ({ unused }) => unused !== undefined],
  ['agent-bus', ({ path }) => BUS.test(path)],
  ['agent-record', ({ path }) => RECORD.test(path)],
  ['agent-limits', ({ path }) => LIMITS.test(path)],
  ['agent-signing', ({ path }) => SIGNING.test(path)],
  ['agent-process', ({ path }) => path.startsWith('fanout.')],
  ['agent-server', ({ path }) => path.startsWith('server.')],
  ['agent-api', ({ path }) => path.startsWith('api.')],
  ['agent-admin', ({ path }) => path.startsWith('admin.')],
  ['agent-webhook', ({ path }) => path.startsWith('webhook.')],
  ['agent-cmab', ({ path }) => /^(client\.)?cmab/.test(path)],
  ['agent-client', ({ path }) => /^(client\.|sdkKeys)/.test(path)],
  ['agent-tracing', ({ path }) => path.startsWith('tracing.')],
  ['agent-general', () => true],
];

const sectionOf = (setting: Setting): string =>
  SECTIONS.find(([, fits]) => fits(setting))?.[0] ?? 'agent-general';

const settingsOf = (section: string): Setting[] =>
  SETTINGS.filter((setting) => sectionOf(setting) === section);

export const agentSettings: Writers = Object.fromEntries(
  SECTIONS.map(([name]) => [name, () => tableOf(settingsOf(name))]),
);

function tableOf(settings: readonly Setting[]): string {
  const rows = settings.map((setting) => [
    code(setting.variable),
    code(setting.path),
    code(shownDefault(setting)),
    setting.unused ?? setting.help,
  ]);
  return markdownTable(['variable', 'in `config.yaml`', 'default', 'meaning'], rows);
}
