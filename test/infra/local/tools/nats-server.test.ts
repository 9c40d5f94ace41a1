import { connect, type NatsConnection } from 'nats.ws';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestNats, type TestNats } from '../../../support/bus/nats.ts';

describe('the local nats-server', () => {
  let nats: TestNats;
  beforeAll(async () => {
    nats = await startTestNats({ payloadBytesMax: 65_536 });
  });
  afterAll(() => nats?.close());

  const withConnection = async <T>(work: (connection: NatsConnection) => Promise<T>): Promise<T> => {
    const connection = await connect({ servers: nats.wsUrl });
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  };

  it('speaks WebSocket without TLS and keeps its configured payload limit', async () => {
    await withConnection(async ({ info }) =>
      expect(info).toMatchObject({ jetstream: true, max_payload: 65_536 }),
    );
  });

  it('the local nats-server is back on its ports with its streams after SIGKILL', async () => {
    await withConnection(async (connection) => {
      const manager = await connection.jetstreamManager();
      await manager.streams.add({ name: 'KEPT', subjects: ['kept.*'] });
      await connection.jetstream().publish('kept.a', new TextEncoder().encode('still here'));
    });
    const before = nats.part.pid;
    await nats.part.kill('SIGKILL');
    expect(nats.part.isRunning).toBe(false);
    await nats.part.start();
    expect(nats.part.pid).not.toBe(before);
    await withConnection(async (connection) => {
      const manager = await connection.jetstreamManager();
      const message = await manager.streams.getMessage('KEPT', { last_by_subj: 'kept.a' });
      expect(message.string()).toBe('still here');
    });
  });
});
