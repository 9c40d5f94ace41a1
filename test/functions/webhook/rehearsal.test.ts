// What a function runs through while it starts: all of a webhook's work, without a trace of it.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { sdkCheck } from '../../../functions/publish/sdk-check.ts';
import { rehearse } from '../../../functions/webhook/rehearsal.ts';
import { systemClock } from '../../../infra/local/tools/clock.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';

let deps: FakeDeps;
let server: Server;
let requests: string[];

beforeEach(async () => {
  deps = fakeDeps();
  requests = [];
  server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'test');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_REGION', 'us-east-1');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await new Promise((resolve) => server.close(resolve));
});

const run = (check = sdkCheck, timeIsUp?: AbortSignal) => {
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings = { bucket: { bucket: 'b', endpoint }, topic: { topicArn: 'arn:topic', endpoint } };
  return rehearse({ ...deps, clock: systemClock, sdkCheck: check }, settings, timeIsUp);
};

it('a rehearsal takes datafiles of its own through the real check, several times', async () => {
  const revisions: number[] = [];
  await run((body, expected) => {
    const datafile = sdkCheck(body, expected);
    expect(datafile.leftOut).toEqual([]);
    revisions.push(datafile.revision);
    return datafile;
  });
  expect(revisions.length).toBeGreaterThan(0);
  expect(revisions).toEqual(revisions.map((_, i) => i + 1));
});

it('a rehearsal asks nothing outside, stores nothing, announces nothing, and says nothing', async () => {
  await run();
  expect(requests).toEqual([]);
  expect(deps.record.writes + deps.record.reads).toBe(0);
  expect(deps.bus.published).toEqual([]);
  expect(deps.topic.notices).toEqual([]);
  expect(deps.cdn.fetches).toBe(0);
  expect(deps.lines).toEqual([]);
  expect(deps.counts.size + deps.times.size).toBe(0);
});

it('a rehearsal that a datafile check refuses is an error, not a webhook that was taken', async () => {
  const refusing = () => {
    throw new Error('out of order');
  };
  await expect(run(refusing)).rejects.toThrow('rehearsed webhook');
  expect(requests).toEqual([]);
});

it('a rehearsal whose time is up begins no further round', async () => {
  const time = new AbortController();
  let checks = 0;
  const last: typeof sdkCheck = (...args) => {
    checks++;
    time.abort();
    return sdkCheck(...args);
  };
  await run(last, time.signal);
  expect(checks).toBe(1);
});
