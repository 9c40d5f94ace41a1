import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryProfiles } from '../../../../agent/decisions/profiles/memory.ts';
import { ProfileMemoryLimit } from '../../../../agent/decisions/profiles/memory-limit.ts';

const profile = (userId: string, variation = 'v') => ({
  user_id: userId,
  experiment_bucket_map: { e: { variation_id: variation } },
});

function filled(storageStrategy: 'fifo' | 'lifo', capacity: number, users: readonly string[]) {
  const profiles = new MemoryProfiles({ capacity, storageStrategy });
  for (const user of users) profiles.save(profile(user));
  return (among: readonly string[]) => among.filter((user) => profiles.lookup(user) !== null).join('');
}

describe('profiles in memory', () => {
  it('profiles in memory are what was saved last', () => {
    const profiles = new MemoryProfiles({ capacity: 0, storageStrategy: 'fifo' });
    profiles.save(profile('a'));
    profiles.save(profile('a', 'w'));
    expect(profiles.lookup('a')).toEqual(profile('a', 'w'));
    expect(profiles.lookup('__proto__')).toBeNull();
    profiles.reset();
    expect(profiles.lookup('a')).toBeNull();
  });

  it('give way when there is no room: the first that came, or the last', () => {
    const users = ['a', 'b', 'c', 'd'];
    expect(filled('fifo', 3, users)(users)).toBe('bcd');
    expect(filled('lifo', 3, users)(users)).toBe('abd');
    // One that is saved again takes no room.
    expect(filled('fifo', 3, ['a', 'b', 'c', 'a'])(users)).toBe('abc');
    expect(filled('lifo', 1, ['a', 'b', 'c'])(users)).toBe('c');
  });

  it.each([
    ['fifo', 'cd'],
    ['lifo', 'ad'],
  ] as const)('give way in %s where they are too large together', (storageStrategy, left) => {
    const profiles = new MemoryProfiles(
      { capacity: 0, storageStrategy },
      () => {},
      new ProfileMemoryLimit(3_000),
    );
    const large = (name: string) => profile(name + 'x'.repeat(1_000));
    const kept = () => ['a', 'b', 'c', 'd'].filter((name) => profiles.lookup(large(name).user_id)).join('');
    profiles.save(large('a'));
    profiles.save(large('b'));
    profiles.save(large('b'));
    expect(kept()).toBe('ab');
    profiles.save(large('c'));
    profiles.save(large('d'));
    expect(kept()).toBe(left);
    // Larger than all that there is room for but itself.
    profiles.save({ ...large('d'), experiment_bucket_map: { e: { variation_id: 'v'.repeat(1_000) } } });
    expect(kept()).toBe('d');
    profiles.reset();
    expect(profiles.characters).toBe(0);
  });

  it('profiles in memory of one key do not drive those of others out, but where they are more', () => {
    const room = new ProfileMemoryLimit(10_000);
    const services = ['a', 'b'].map(
      () => new MemoryProfiles({ capacity: 0, storageStrategy: 'fifo' }, () => {}, room),
    );
    const [few, many] = services as [MemoryProfiles, MemoryProfiles];
    few.save(profile('kept'));
    for (let i = 0; i < 1_000; i++) many.save(profile(`user ${i}`));
    expect(few.characters + many.characters).toBeLessThanOrEqual(10_000);
    expect(few.lookup('kept')).not.toBeNull();
    expect(many.lookup('user 999')).not.toBeNull();
  });

  it('profiles in memory are never more than the capacity, and the one just saved is there', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('fifo' as const, 'lifo' as const),
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g')),
        (storageStrategy, capacity, users) => {
          const profiles = new MemoryProfiles({ capacity, storageStrategy });
          for (const user of users) {
            profiles.save(profile(user));
            expect(profiles.size).toBeLessThanOrEqual(capacity);
            expect(profiles.lookup(user)).not.toBeNull();
          }
        },
      ),
    );
  });
});
