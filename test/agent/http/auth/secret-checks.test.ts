import { describe, expect, it } from 'vitest';
import { SecretChecks } from '../../../../agent/http/auth/secret-checks.ts';
import { settled } from '../../support/fakes.ts';

const SHOP = { id: 'shop', secretHash: 'hash of shop', sdkKeys: [] };
const KIOSK = { id: 'kiosk', secretHash: 'hash of kiosk', sdkKeys: [] };

function setUp() {
  const compared: string[] = [];
  const waiting: (() => void)[] = [];
  let isSlow = false;
  const checks = new SecretChecks({
    clients: [SHOP, KIOSK],
    key: Buffer.from('a key'),
    compareSecret: async (secret, hash) => {
      compared.push(hash);
      if (isSlow) await new Promise<void>((resolve) => waiting.push(resolve));
      return hash === `hash of ${Buffer.from(secret)}`;
    },
  });
  const check = (id: string, secret: string, address = '203.0.113.9') =>
    checks.check({ id, secret: Buffer.from(secret), address, isWanted: () => true });
  const hang = () => {
    isSlow = true;
  };
  const step = async () => {
    waiting.shift()?.();
    await settled();
  };
  return { check, compared, hang, step };
}

describe('a secret', () => {
  it('a secret is right for its own client alone', async () => {
    const { check } = setUp();
    expect(await check('shop', 'shop')).toBe(SHOP);
    expect(await check('kiosk', 'shop')).toBe('wrong');
    expect(await check('shop', 'guess')).toBe('wrong');
  });

  it('a secret is compared for an id that does not exist too, and never right there', async () => {
    const { check, compared } = setUp();
    expect(await check('unknown', 'shop')).toBe('wrong');
    expect(compared).toEqual([SHOP.secretHash]);
  });

  it('a secret that was right is recognised without comparing it, and no other', async () => {
    const { check, compared } = setUp();
    await check('shop', 'shop');
    expect(await check('shop', 'shop')).toBe(SHOP);
    expect(compared).toHaveLength(1);
    expect(await check('shop', 'guess')).toBe('wrong');
    expect(await check('kiosk', 'shop')).toBe('wrong');
    expect(compared).toHaveLength(3);
    expect(await check('shop', 'shop')).toBe(SHOP);
    expect(compared).toHaveLength(3);
  });
});

describe('strangers who guess', () => {
  it('strangers who guess do not keep a client waiting that was here before', async () => {
    const { check, hang } = setUp();
    await check('shop', 'shop');
    hang();
    const guesses = Array.from({ length: 200 }, (_, i) => check('shop', `guess ${i}`));
    expect(await check('shop', 'shop')).toBe(SHOP);
    expect(await guesses.at(-1)).toBe('busy');
  });

  it.each([
    ['another address', 'shop', '192.0.2.1'],
    ['another id', 'kiosk', '203.0.113.9'],
  ])('leave every second turn to a new client of %s', async (_, id, address) => {
    const { check, hang, step } = setUp();
    hang();
    for (let i = 0; i < 200; i++) void check('shop', `guess ${i}`);
    const real = check(id, id, address);
    for (let i = 0; i < 3; i++) await step();
    expect(await real).toMatchObject({ id });
  });

  it('strangers who guess cannot take all turns by many ids that do not exist', async () => {
    const { check, hang, step } = setUp();
    hang();
    for (let i = 0; i < 500; i++) void check(`unknown ${i}`, 'guess');
    const real = check('shop', 'shop');
    for (let i = 0; i < 3; i++) await step();
    expect(await real).toBe(SHOP);
  });
});
