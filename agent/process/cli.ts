// The agent's command line: help, version, and a check of its settings instead of a run. Prints through the output that it is
// given; knows neither process nor environment.

import { VERSION } from '../../core/release.ts';
import { settingHelp } from '../../core/settings/setting.ts';
import type { OutboundRoute } from '../../io/http/outbound-route.ts';
import {
  type AgentConfig,
  type ConfigFile,
  checkAll,
  type Environment,
  type Machine,
  type WebhookSettings,
} from '../config/config.ts';
import { SETTINGS } from '../config/settings.ts';

export interface CliOutput {
  out(text: string): void;
  error(text: string): void;
}

export interface CliInput {
  /** Without node and the script. */
  readonly args: readonly string[];
  readonly env: Environment;
  readonly readText: (path: string) => string;
  readonly loadFile: () => Promise<ConfigFile | null>;
  readonly machine?: Machine;
  /** Proxies and certificates of the environment; left out by callers that have not looked. */
  readonly outboundRoute?: OutboundRoute;
}

const EXIT_FINE = 0;
const EXIT_USAGE = 2;

/** The exit code when the command line asked for something; null when the agent is to run. */
export async function runCli(input: CliInput, output: CliOutput): Promise<number | null> {
  const [asked, ...rest] = input.args;
  if (asked === undefined) return null;
  if (rest.length === 0 && (asked === '--help' || asked === '-h')) {
    output.out(helpText());
    return EXIT_FINE;
  }
  if (rest.length === 0 && asked === '--version') {
    output.out(VERSION);
    return EXIT_FINE;
  }
  if (rest.length === 0 && asked === '--check-config') return check(input, output);
  output.error(`"${input.args.join(' ')}" is not understood.\n\n${USAGE}`);
  return EXIT_USAGE;
}

async function check(input: CliInput, output: CliOutput): Promise<number> {
  const { env, readText, loadFile, machine, outboundRoute } = input;
  const file = await loadFile();
  const { config, ...own } = await checkAll(env, readText, file, machine);
  const warnings = [...(outboundRoute?.warnings ?? []), ...own.warnings];
  const problems = [...(outboundRoute?.problems ?? []), ...own.problems];
  for (const warning of warnings) output.error(`warning: ${warning}`);
  for (const problem of problems) output.error(`wrong: ${problem}`);
  if (problems.length > 0) {
    output.error(`${problems.length} of the settings ${problems.length === 1 ? 'is' : 'are'} wrong.`);
    return EXIT_USAGE;
  }
  output.out(summary(config, file, outboundRoute?.summary ?? null));
  return EXIT_FINE;
}

const summary = (config: AgentConfig, file: ConfigFile | null, outboundRoute: string | null): string =>
  [
    `The settings are right (${file === null ? 'no file; environment and defaults' : file.path}).`,
    `  SDK keys      ${config.keys.map(({ sdkKey }) => sdkKey).join(', ') || 'none; served on demand'}`,
    `  API           ${config.host}:${config.apiPort}${config.server.tls === null ? '' : ', TLS'}${guard(config.api.auth)}`,
    `  admin         ${config.admin.host}:${config.adminPort}${guard(config.admin.auth)}`,
    `  workers       ${config.workers === 1 ? '1, in the one process' : `${config.workers}, and a process for what they share`}`,
    `  webhook       ${config.host}:${config.webhook.port}, ${webhookUse(config.webhook)}`,
    `  allowed hosts ${config.server.allowedHosts?.join(', ') ?? 'any'}`,
    `  bus           ${config.nats === null ? 'off' : `${config.nats.servers.length} server(s)`}`,
    `  record        ${config.s3?.bucket ?? 'off: datafiles come from the CDN alone'}`,
    `  signatures    ${config.signing.mode}${config.signing.mode === 'off' ? '' : `, ${config.signing.keys.length} key(s)`}`,
    `  cache         ${config.cacheDir ?? 'off: a restart begins without a datafile'}`,
    ...(outboundRoute === null ? [] : [`  way out       ${outboundRoute}`]),
  ].join('\n');

function webhookUse({ receiverUrl, projects }: WebhookSettings): string {
  if (receiverUrl !== null) return 'forwarded to FANOUT_RECEIVER_URL';
  return projects.size === 0
    ? 'answered and ignored: webhook.projects names none'
    : `for the project(s) ${[...projects.keys()].join(', ')}`;
}

const guard = (auth: unknown): string => (auth === null ? ', no tokens asked for' : ', with tokens');

const USAGE = `Usage: agent                  runs
       agent --check-config   says what is wrong with the settings, and what is worth knowing
       agent --help           lists every setting
       agent --version`;

function helpText(): string {
  const settings = SETTINGS.map((setting) => settingHelp([setting.path, setting.variable], setting));
  return `${USAGE}

Settings come from a YAML file, ./config.yaml or what OPTIMIZELY_CONFIG_FILENAME names, and from variables, which win.
Durations are written 100ms, 5s, 1m; in the original's settings a number alone counts nanoseconds, as in Go. Lists are written
with commas in variables, and maps as JSON.

${settings.join('\n\n')}`;
}
