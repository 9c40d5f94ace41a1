import { expect, it } from 'vitest';
import { whenSettled } from '../../../../agent/http/rest/when-settled.ts';
import { settled } from '../../support/fakes.ts';

it('answers at once where no other process has to know', () => {
  let answers = 0;
  expect(whenSettled(null, () => void answers++)).toBeUndefined();
  expect(answers).toBe(1);
});

it('answers when the others know, and not before', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let answers = 0;
  const answered = whenSettled(
    () => promise,
    () => void answers++,
  );
  await settled();
  expect(answers).toBe(0);
  resolve();
  await answered;
  expect(answers).toBe(1);
});
