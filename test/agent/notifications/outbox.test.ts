// An agent accepts the notes of other agents only if each is one line of the stream to its clients.

import { expect, it } from 'vitest';
import { decodeNotifications, Outbox } from '../../../agent/notifications/outbox.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const note = { kind: 'decision', text: '{"user":"a\\r\\nb ü"}' } as const;
let said = '';
const outbox = new Outbox({
  from: 'me',
  clock: new ManualClock(),
  send: (message) => {
    said = Buffer.from(message).toString();
  },
  onDropped: () => {},
});
outbox.add(note);
outbox.flush();

it("takes another agent's notes as they were", () => {
  expect(decodeNotifications(Buffer.from(said))).toEqual({ from: 'me', notes: [note] });
});

it.each([
  ['no prefix', said.slice(1)],
  ['an unknown kind', said.replace('decision', 'decisions')],
  [
    'a carriage return, which would begin another field of the stream',
    said.replace('{"user"', '\rid: 9\r{"user"'),
  ],
  ['another line', `${said}\nid: 9`],
  ['nothing', ''],
])('takes nothing from a message with %s', (_, message) => {
  expect(decodeNotifications(Buffer.from(message))).toBeNull();
});
