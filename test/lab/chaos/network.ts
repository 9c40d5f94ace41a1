// A network of its own for an agent: a namespace with one cable (veth) to this machine, and wires from the end here to
// the bus and to S3. Faults are packets that the namespace drops. Linux and root only.

import { openWire, type Wire } from './clients/wire.ts';
import { blockedWithoutRoot, tool } from './machine.ts';

/** A range for documentation would be better, but some systems treat those specially. */
const NETWORK = '10.231.77';
export const HOST_ADDRESS = `${NETWORK}.1`;
export const AGENT_ADDRESS = `${NETWORK}.2`;
const TABLE = 'chaos';

export type Destination = 'bus' | 's3';

export interface AgentNetwork {
  /** What an agent in it is run by. */
  readonly within: readonly string[];
  readonly wires: Readonly<Record<Destination, Wire>>;
  /** Drops this share of the packets to and from the destinations, both ways. */
  drop(destinations: readonly Destination[], percent: number): void;
  heal(): void;
  close(): Promise<void>;
}

export const networkBlocked = (): string | undefined => blockedWithoutRoot('ip', 'nft');

export async function createNetwork(ports: Readonly<Record<Destination, number>>): Promise<AgentNetwork> {
  const name = `chaos-${process.pid}`;
  const [here, there] = [`c${process.pid}h`, `c${process.pid}a`];
  const within = ['ip', 'netns', 'exec', name];
  const inside = (...command: readonly string[]) => tool('ip', 'netns', 'exec', name, ...command);
  tool('ip', 'netns', 'add', name);
  const remove = () => tool('ip', 'netns', 'del', name);
  try {
    tool('ip', 'link', 'add', here, 'type', 'veth', 'peer', 'name', there);
    tool('ip', 'link', 'set', there, 'netns', name);
    tool('ip', 'address', 'add', `${HOST_ADDRESS}/30`, 'dev', here);
    tool('ip', 'link', 'set', here, 'up');
    inside('ip', 'address', 'add', `${AGENT_ADDRESS}/30`, 'dev', there);
    inside('ip', 'link', 'set', there, 'up');
    inside('ip', 'link', 'set', 'lo', 'up');
  } catch (error) {
    remove();
    throw error;
  }
  const wires = {
    bus: await openWire(HOST_ADDRESS, ports.bus),
    s3: await openWire(HOST_ADDRESS, ports.s3),
  };
  return {
    within,
    wires,
    drop(destinations, percent) {
      const list = `{ ${destinations.map((one) => wires[one].port).join(', ')} }`;
      const chance = percent === 100 ? '' : `numgen random mod 100 < ${percent} `;
      inside(
        'nft',
        [
          `add table inet ${TABLE}`,
          `add chain inet ${TABLE} out { type filter hook output priority 0; }`,
          `add chain inet ${TABLE} in { type filter hook input priority 0; }`,
          `add rule inet ${TABLE} out tcp dport ${list} ${chance}drop`,
          `add rule inet ${TABLE} in tcp sport ${list} ${chance}drop`,
        ].join('; '),
      );
    },
    heal: () => void inside('nft', `delete table inet ${TABLE}`),
    async close() {
      await Promise.all(Object.values(wires).map((wire) => wire.close()));
      remove();
    },
  };
}
