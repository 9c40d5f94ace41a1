// Signed webhooks that are too many: what they are answered, who is told, and that nothing is lost.

import { describe, expect, it } from 'vitest';
import { reconcileKeys } from '../../../functions/reconcile/reconcile-keys.ts';
import { readFrom } from '../../../functions/settings/list.ts';
import { readGuardSettings } from '../../../functions/webhook/guard.ts';
import { responseOf } from '../../../functions/webhook/http-event.ts';
import { DEFAULTS, Door, projects } from '../../support/functions/webhook-door.ts';

describe('more webhooks than a project may send', () => {
  const limited = () => new Door({ rate: { burst: 3, perSecond: 1 } });

  it('are answered 429, with the time to wait', async () => {
    const door = limited();
    for (let revision = 1; revision <= 3; revision++)
      expect((await door.send({ revision })).status).toBe(204);
    const answer = await door.send({ revision: 14 });
    expect(answer).toMatchObject({ status: 429, retryAfterS: 1, body: { code: 'WEBHOOK_RATE_LIMITED' } });
    expect(responseOf(answer)).toMatchObject({ statusCode: 429, headers: { 'retry-after': '1' } });
    door.deps.clock.advance(1_000);
    expect((await door.send()).status).toBe(204);
  });

  it('are counted one by one and told of once a stretch', async () => {
    const door = limited();
    for (let i = 0; i < 10; i++) await door.send();
    expect(door.deps.counts.get('WebhookRateLimited')).toBe(7);
    expect(door.deps.counts.get('WebhookRejected')).toBeUndefined();
    door.deps.clock.advance(1_000);
    await door.send();
    const told = door.deps.lines.filter(({ event }) => event === 'webhook.rate-limited');
    expect(told).toMatchObject([{ ended: false }, { ended: true, refused: 7 }]);
  });

  it('the rate of a project cannot be used up by a sender without its secret', async () => {
    const door = limited();
    for (let i = 0; i < 100; i++) expect((await door.send({ secret: 'guessed' })).status).toBe(401);
    expect((await door.send()).status).toBe(204);
  });

  it('lose nothing: reconcile finds what was refused', async () => {
    const door = limited();
    for (let i = 0; i < 4; i++) await door.send();
    door.serve(14);
    expect((await door.send({ revision: 14 })).status).toBe(429);
    expect(door.deps.record.headOf()?.revision).toBe(13);
    door.deps.clock.advance(60_000);
    await reconcileKeys(door.deps, { projects, role: 'home' });
    expect(door.deps.record.headOf()).toMatchObject({ revision: 14, cause: 'reconcile' });
  });
});

describe('the settings', () => {
  it('the settings are five minutes, a thousand at once and twenty a second', () => {
    expect(DEFAULTS).toEqual({
      windowMs: 300_000,
      isWindowStrict: false,
      rate: { burst: 1_000, perSecond: 20 },
    });
  });

  it.each([
    ['FANOUT_WEBHOOK_WINDOW', 'soon', 'at least 1000ms, at most 86400000ms'],
    ['FANOUT_WEBHOOK_WINDOW', '0s', 'at least 1000ms, at most 86400000ms'],
    ['FANOUT_WEBHOOK_STRICT_WINDOW', 'yes', 'true or false'],
    ['FANOUT_WEBHOOK_RATE', '0', 'a whole number from 1'],
    ['FANOUT_WEBHOOK_BURST', '1e9', 'a whole number from 1'],
  ])('refuse %s=%s', (name, value, message) => {
    const findings = { problems: [], warnings: [] };
    readGuardSettings(readFrom({ [name]: value }, findings));
    expect(findings.problems).toEqual([expect.stringContaining(message)]);
  });
});
