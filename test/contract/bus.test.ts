import { connect, type Msg } from 'nats.ws';
import { datafileSubject } from '../../core/record/names.ts';
import { NatsBus } from '../../functions/bus/bus.ts';
import { unchanging } from '../../functions/settings/refreshing-secret.ts';
import { systemClock } from '../../infra/local/tools/clock.ts';
import { connectFrom } from '../lab/sim/services/nats-connect.ts';
import { NatsServer } from '../lab/sim/services/nats-server.ts';
import { FakeBus } from '../support/bus/fake-bus.ts';
import { startTestNats } from '../support/bus/nats.ts';
import { describeBusContract, type Heard } from './bus.contract.ts';
import { CalmProcess } from './support/calm-process.ts';

// The installed server, or the one that NATS_SERVER names.
describeBusContract('nats-server', async () => {
  const server = await startTestNats();
  const ears = await connect({ servers: server.wsUrl });
  const buses: NatsBus[] = [];
  return {
    open: () => {
      const bus = new NatsBus({ servers: [server.wsUrl], replicas: 1 }, systemClock);
      buses.push(bus);
      return bus;
    },
    listen: async (sdkKey) => {
      const messages: Heard[] = [];
      const callback = (_: unknown, message: Msg) => void messages.push(heardOf(message));
      ears.subscribe(datafileSubject(sdkKey), { callback });
      await ears.flush();
      return async () => {
        await ears.flush();
        return messages;
      };
    },
    close: async () => {
      for (const bus of buses) bus.reset();
      await ears.close();
      await server.close();
    },
  };
});

describeBusContract('simulation', async () => {
  const calm = new CalmProcess();
  const { world, weather } = calm;
  const server = new NatsServer('home', world);
  const connectTo = (actor: CalmProcess['actor']) =>
    connectFrom({ actor, server, weather, watch: NO_WATCH, maxPayload: 64 * 1024 });
  return {
    open: () => {
      const { actor, driven } = calm.another();
      const settings = { servers: ['ws://simulated'], replicas: 1 };
      return driven(new NatsBus(settings, actor.clock, unchanging({}), connectTo(actor)));
    },
    listen: async (sdkKey) => {
      const { actor, settled } = calm.another();
      const ears = await settled(connectTo(actor)({}));
      const messages: Heard[] = [];
      const callback = (_: unknown, message: Msg) => void messages.push(heardOf(message));
      ears.subscribe(datafileSubject(sdkKey), { callback });
      await settled(ears.flush());
      return async () => {
        await settled(ears.flush());
        return messages;
      };
    },
    close: async () => {},
  };
});

describeBusContract(
  'unit tests’ double',
  async () => {
    const bus = new FakeBus();
    bus.isStreamMissing = true;
    return { open: () => bus, close: async () => {} };
  },
  false,
);

const heardOf = ({ headers, data }: Msg): Heard => ({
  header: (name) => headers?.get(name) ?? '',
  payload: data,
});

const NO_WATCH = { link: () => {}, troubled: () => {}, lost: () => {}, spoilt: () => {}, heard: () => {} };
