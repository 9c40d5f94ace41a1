// What happens between an agent and the rest: packets lost, late, or gone without a word.

import { type AgentNetwork, type Destination, networkBlocked } from '../network.ts';
import { RULES, type Rule } from '../rules.ts';
import { agentSays, LEFT_THE_BUS, type Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';

const FAULT_MS = 6_000;
/** Long enough for two pings to go unanswered. */
const NOTICED_MS = 23_000;
/** The second of its stage. */
const NETWORK_AGENT = 1;
const LOSS_PERCENT = 30;
const DELAY_MS = 500;

const networkOf = ({ network }: Stage): AgentNetwork => {
  if (network === undefined) throw new Error('this stage has no network of its own');
  return network;
};

const dropping = (
  name: string,
  what: string,
  destinations: readonly Destination[],
  percent: number,
  faultMs: number,
  rule: Rule,
): Scenario => ({
  name,
  what,
  stage: 'network',
  faultMs,
  rule,
  blocked: networkBlocked,
  begin: async (stage) => {
    networkOf(stage).drop(destinations, percent);
    return async () => networkOf(stage).heal();
  },
});

export const network: readonly Scenario[] = [
  dropping(
    'loss',
    `${LOSS_PERCENT}% of an agent's packets to and from bus and S3 are lost`,
    ['bus', 's3'],
    LOSS_PERCENT,
    FAULT_MS,
    RULES.tcp,
  ),
  {
    name: 'delay',
    what: `everything between an agent and bus and S3 is ${DELAY_MS} ms late each way (held back by a TCP proxy)`,
    stage: 'network',
    faultMs: FAULT_MS,
    rule: RULES.bus,
    blocked: networkBlocked,
    begin: async (stage) => {
      const setDelayMs = (delayMs: number) => {
        for (const wire of Object.values(networkOf(stage).wires)) wire.setDelayMs(delayMs);
      };
      setDelayMs(DELAY_MS);
      return async () => setDelayMs(0);
    },
  },
  {
    ...dropping(
      'blackhole-bus',
      'an agent hears nothing from the bus, and no connection is closed',
      ['bus'],
      100,
      NOTICED_MS,
      RULES.halfOpen,
    ),
    staleRule: RULES.noticed,
    trace: agentSays(NETWORK_AGENT, LEFT_THE_BUS),
  },
  dropping('blackhole-s3', 'an agent hears nothing of S3', ['s3'], 100, FAULT_MS, RULES.bus),
  dropping(
    'blackhole-both',
    'an agent hears nothing of bus and S3',
    ['bus', 's3'],
    100,
    NOTICED_MS,
    RULES.halfOpen,
  ),
];
