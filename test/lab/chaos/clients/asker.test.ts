// What is held against an agent that is asked, and what is not.

import { afterEach, expect, it } from 'vitest';
import { type HttpServer, serveHttp } from '../../../../infra/local/tools/http.ts';
import { eventually } from '../../../support/eventually.ts';
import { Asker } from './asker.ts';

let server: HttpServer | undefined;
let asker: Asker | undefined;
afterEach(async () => {
  await asker?.stop();
  await server?.close();
});

/** An agent that serves these seqs in turn, then the last for ever; 0 stands for an answer of 500. */
async function askedOf(seqs: readonly number[], isClosing = false): Promise<Asker> {
  let answered = 0;
  server = await serveHttp(async (request, response) => {
    request.resume();
    const seq = seqs[Math.min(answered++, seqs.length - 1)] ?? 0;
    if (isClosing) response.setHeader('connection', 'close');
    response
      .writeHead(seq === 0 ? 500 : 200, { 'x-datafile-seq': seq, 'x-datafile-revision': seq * 10 })
      .end();
  }, 0);
  asker = new Asker('agent-0', server.url, 'key');
  asker.start();
  const { asked } = asker;
  await eventually(
    'all have been asked for',
    () => answered > seqs.length && asker !== undefined && asker.asked > asked,
  );
  return asker;
}

it('keeps when each revision was first served', async () => {
  const { firsts, failed, wentBack } = await askedOf([1, 1, 2, 4]);
  expect(firsts.map(({ revision }) => revision)).toEqual([10, 20, 40]);
  expect({ failed, wentBack }).toEqual({ failed: 0, wentBack: [] });
});

it('counts a seq that goes back on one connection, and not on another', async () => {
  expect((await askedOf([1, 2, 1])).wentBack).toEqual(['agent-0 from seq 2 to 1']);
  await asker?.stop();
  await server?.close();
  expect((await askedOf([1, 2, 1], true)).wentBack).toEqual([]);
});

it('counts failures of the living apart from those of the dead', async () => {
  const one = await askedOf([1, 0, 1]);
  expect(one.failed).toBe(1);
  one.died();
  await server?.close();
  await eventually('the dead refuse', () => one.refusedWhileDead > 0);
  expect(one.failed).toBe(1);
});
