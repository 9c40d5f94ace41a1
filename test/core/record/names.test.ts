// Where the bus answers a user: under its own name, so that permissions can tell users apart.

import { expect, it } from 'vitest';
import { inboxPrefix } from '../../../core/record/names.ts';

it.each([
  ['agent', '_INBOX.agent'],
  ['agent-shop_2', '_INBOX.agent-shop_2'],
])('the user %s is answered under %s', (user, prefix) => {
  expect(inboxPrefix(user)).toBe(prefix);
});

it.each([undefined, '', 'a.b', '*', '>', 'two words', 'name@example.com'])(
  'replies to a user %s, whose name cannot be part of a subject, come under the default inbox',
  (user) => {
    expect(inboxPrefix(user)).toBe('_INBOX');
  },
);
