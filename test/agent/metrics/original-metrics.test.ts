import { describe, expect, it } from 'vitest';
import { expvarValues, prometheusText } from '../../../agent/metrics/original-metrics.ts';
import { sumOfTimers, Timer } from '../../../agent/metrics/timers.ts';

const decide = new Timer();
for (const durationMs of [0.004, 0.3, 20]) decide.record(durationMs);
const timers = sumOfTimers([new Map([['decide', decide]])]);
const dispatcher = { sent: 4, retried: 3, givenUp: 1, waiting: 2 };

/** The names of the original's 4.4, with the type of each. */
const TIMER_NAMES = [
  ...['activate', 'create_api_access_token', 'decide', 'get_config', 'get_datafile', 'lookup', 'override'],
  ...['reset', 'save', 'send_odp_event', 'track_event'],
];

describe('for Prometheus', () => {
  const lines = prometheusText(timers, dispatcher).split('\n');

  it('every family has the original’s name and type', () => {
    const types = lines.filter((line) => line.startsWith('# TYPE ')).map((line) => line.slice(7));
    expect(types.toSorted()).toEqual(
      [
        'counter_dispatcher_fail_flush counter',
        'counter_dispatcher_retry_flush counter',
        'counter_dispatcher_success_flush counter',
        'gauge_dispatcher_queue_size gauge',
        ...TIMER_NAMES.flatMap((name) => [
          `timer_${name}_hits counter`,
          `timer_${name}_response_time counter`,
          `timer_${name}_response_time_hist histogram`,
        ]),
      ].toSorted(),
    );
  });

  it('a timer has hits, milliseconds and the original’s buckets', () => {
    const bounds = ['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'];
    const hist = 'timer_decide_response_time_hist';
    expect(lines.filter((line) => line.startsWith('timer_decide_'))).toEqual([
      'timer_decide_response_time 20.304',
      'timer_decide_hits 3',
      ...bounds.map((bound, i) => `${hist}_bucket{le="${bound}"} ${i < 6 ? 1 : i < 11 ? 2 : 3}`),
      `${hist}_sum 20.304`,
      `${hist}_count 3`,
    ]);
  });

  it('the dispatcher counts requests by what became of them', () => {
    for (const line of [
      'counter_dispatcher_success_flush 4',
      'counter_dispatcher_retry_flush 3',
      'counter_dispatcher_fail_flush 1',
      'gauge_dispatcher_queue_size 2',
    ])
      expect(lines).toContain(line);
  });
});

it('for expvar, they are dotted', () => {
  const values = expvarValues(timers, dispatcher);
  expect(values).toMatchObject({
    'counter.dispatcher.successFlush': 4,
    'counter.dispatcher.retryFlush': 3,
    'counter.dispatcher.failFlush': 1,
    'gauge.dispatcher.queueSize': 2,
    'timer.decide.hits': 3,
    'timer.decide.responseTime': 20.304,
    'timer.create-api-access-token.hits': 0,
  });
  const ofDecide = Object.keys(values).filter((name) => name.startsWith('timer.decide.'));
  expect(ofDecide.map((name) => name.slice('timer.decide.'.length))).toEqual([
    ...['hits', 'responseTime', 'responseTimeHist.p50', 'responseTimeHist.p90'],
    ...['responseTimeHist.p95', 'responseTimeHist.p99'],
  ]);
  expect(Object.keys(values)).toHaveLength(4 + 6 * TIMER_NAMES.length);
});
