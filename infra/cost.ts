// `npm run cost`: what a month costs for a fleet of your size. Reads the command line and prints; the arithmetic is cost/model.ts.

import { parseArgs } from 'node:util';
import { messageOf } from '../core/errors.ts';
import { costsOf, DEFAULT_USAGE, fanoutTotal, type Usage } from './cost/model.ts';
import { AS_OF, REGION } from './cost/prices.ts';
import { costTable, priceTable } from './cost/table.ts';
import { tellFailure, UsageError } from './local/cli.ts';

const OPTIONS = {
  agents: { type: 'string' },
  'changes-per-day': { type: 'string' },
  'sdk-keys': { type: 'string' },
  'keys-per-agent': { type: 'string' },
  'compressed-kb': { type: 'string' },
  'datafile-kb': { type: 'string' },
  'bus-down-hours': { type: 'string' },
  json: { type: 'boolean' },
  markdown: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

const HELP = `npm run cost -- [--agents ${DEFAULT_USAGE.agents}] [--changes-per-day ${DEFAULT_USAGE.changesPerDay}] [--sdk-keys ${DEFAULT_USAGE.sdkKeys}] [--keys-per-agent ${DEFAULT_USAGE.keysPerAgent}]
                [--compressed-kb ${DEFAULT_USAGE.compressedKb}] [--datafile-kb ${DEFAULT_USAGE.datafileKb}] [--bus-down-hours ${DEFAULT_USAGE.busDownHours}] [--json]
What a month costs in US dollars, from list prices of ${REGION}, ${AS_OF}. --markdown prints the tables of infra/COST.md.`;

/** @throws Error that names what is wrong with the command line */
function usageOf(values: Readonly<Record<string, string | boolean | undefined>>): Usage {
  const amount = (name: string, fallback: number): number => {
    const text = values[name];
    if (text === undefined) return fallback;
    const value = Number(text);
    if (text === '' || !Number.isFinite(value) || value < 0)
      throw new Error(`--${name} must be a number from 0`);
    return value;
  };
  const usage = {
    agents: amount('agents', DEFAULT_USAGE.agents),
    changesPerDay: amount('changes-per-day', DEFAULT_USAGE.changesPerDay),
    sdkKeys: amount('sdk-keys', DEFAULT_USAGE.sdkKeys),
    keysPerAgent: amount('keys-per-agent', DEFAULT_USAGE.keysPerAgent),
    compressedKb: amount('compressed-kb', DEFAULT_USAGE.compressedKb),
    datafileKb: amount('datafile-kb', DEFAULT_USAGE.datafileKb),
    busDownHours: amount('bus-down-hours', DEFAULT_USAGE.busDownHours),
  };
  if (usage.sdkKeys < 1) throw new Error('--sdk-keys must be at least 1');
  return usage;
}

/** What to print. @throws Error that names what is wrong with the command line */
function answer(): string {
  const { values } = parseArgs({ options: OPTIONS, strict: true });
  if (values.help) return HELP;
  if (values.markdown) return `${costTable()}\n\n${priceTable()}`;
  const usage = usageOf(values);
  const costs = costsOf(usage);
  const total = fanoutTotal(costs);
  if (values.json) return JSON.stringify({ usage, usdPerMonth: costs, fanoutUsdPerMonth: total });
  const row = (name: string, usd: number) => `${name.padEnd(12)}${usd.toFixed(2).padStart(12)}`;
  return [
    ...Object.entries(costs).map(([part, usd]) => row(part, usd)),
    `${row('fan-out', total)}  US dollars a month, without the agents' own machines`,
  ].join('\n');
}

try {
  console.log(answer());
} catch (error) {
  // Nothing but the command line can be wrong here.
  process.exitCode = tellFailure('cost', new UsageError(messageOf(error)));
}
