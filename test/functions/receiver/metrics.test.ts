// The text of the receiver's metrics: what it costs to be asked for it often, and that it is of now.

import { expect, it } from 'vitest';
import { createReceiverMetrics } from '../../../functions/receiver/metrics.ts';

it('is written once for all who ask at the same time, and anew for those who come later', async () => {
  let written = 0;
  const metrics = createReceiverMetrics(() => ++written);
  await Promise.all(Array.from({ length: 100 }, () => metrics.text()));
  expect(written).toBe(1);
  metrics.answered(204);
  expect(await metrics.text()).toContain('fanout_receiver_answers_total{status="204"} 1');
  expect(written).toBe(2);
});
