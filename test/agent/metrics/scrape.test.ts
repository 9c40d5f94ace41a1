// What a scrape shows is an interface: dashboards and alerts go by the names, labels and types. The texts beside them are for people.

import { expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../../agent/config/config.ts';
import type { Tracing } from '../../../agent/tracing/types.ts';
import { Primary } from '../../../agent/workers/primary.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NOWHERE, serves, startAgent } from '../support/agent.ts';
import { datafileBody, KEY, MemoryLog, MemoryRecord, OTHER_KEY, settled } from '../support/fakes.ts';
import { FakeProcesses } from '../workers/processes.ts';

/** What Node and the machine have to tell differs from platform to platform. */
const OF_PROCESS = /^\w+ (?:process|nodejs)_/;

/** A line for each family: its type, its name, the labels of its samples, its text. */
async function familiesAt(admin: string): Promise<string[]> {
  const text = await (await fetch(`${admin}/metrics`, { headers: { accept: 'text/plain' } })).text();
  const families = [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)];
  return families
    .map(([, name, help, type]) => {
      const samples = text.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?\\{(.*)\\} `, 'gm'));
      const labels = new Set(
        [...samples].flatMap(([, pairs = '']) => [...pairs.matchAll(/(\w+)="/g)].map(([, label]) => label)),
      );
      return `${type} ${name}{${[...labels].sort().join()}} ${help}`;
    })
    .sort();
}

const noTraces: Tracing = {
  answered: () => {},
  swapped: () => {},
  forgotten: () => {},
  stats: () => ({ sent: 0, failed: 0, dropped: 0 }),
  stop: async () => {},
};

it('a scrape of an agent in one process shows these families, under these names and labels', async () => {
  const record = new MemoryRecord();
  record.publish(KEY, datafileBody(1));
  // One key of which every source fails, and a service that is not there.
  const agent = await startAgent({
    record,
    tracing: noTraces,
    env: {
      OPTIMIZELY_SDKKEYS: `${KEY},${OTHER_KEY}`,
      OPTIMIZELY_CLIENT_USERPROFILESERVICE: JSON.stringify({
        default: 'rest',
        services: { rest: { host: 'http://127.0.0.1:1' } },
      }),
    },
  });
  await serves(agent, 1, 1);
  await eventually('every source has failed', async () =>
    (await familiesAt(agent.admin)).some((family) => family.includes('source_failures_total{source}')),
  );
  const families = await familiesAt(agent.admin);
  expect(families.filter((family) => OF_PROCESS.test(family)).length).toBeGreaterThan(10);
  expect(families.filter((family) => !OF_PROCESS.test(family))).toMatchInlineSnapshot(`
    [
      "counter counter_dispatcher_fail_flush{} Times that tries to send events were given up, as the original agent counts",
      "counter counter_dispatcher_retry_flush{} Requests with events that were not taken, as the original agent counts",
      "counter counter_dispatcher_success_flush{} Requests with events that were delivered, as the original agent counts",
      "counter fanout_agent_bus_reconnects_total{} Times that the link to the bus came up",
      "counter fanout_agent_cache_failures_total{} Reads and writes of the disk cache that failed",
      "counter fanout_agent_engine_checks_total{} Decisions of the engine that were compared with the SDK's, by result",
      "counter fanout_agent_event_batches_total{result} Requests to the events endpoint, by result",
      "counter fanout_agent_events_total{result} Events, by what became of them; all but queued and sent are losses",
      "counter fanout_agent_http_requests_total{route,status} Requests answered, by route and status",
      "counter fanout_agent_offers_total{reason,result,source} Datafiles that sources offered, by what became of them",
      "counter fanout_agent_quarantines_total{} Versions of the record that this agent refused",
      "counter fanout_agent_s3_polls_total{result} Reads of a manifest, by result",
      "counter fanout_agent_service_failures_total{service,what} What services outside (profiles, segments, predictions, their caches) did not do",
      "counter fanout_agent_source_failures_total{source} Looks of a source that failed",
      "counter fanout_agent_spans_total{result} Spans, by what became of them; failed and dropped ones are lost",
      "counter timer_activate_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_activate_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_create_api_access_token_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_create_api_access_token_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_decide_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_decide_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_get_config_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_get_config_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_get_datafile_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_get_datafile_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_lookup_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_lookup_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_override_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_override_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_reset_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_reset_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_save_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_save_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_send_odp_event_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_send_odp_event_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_track_event_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_track_event_response_time{} Milliseconds spent on requests, as the original agent counts",
      "gauge fanout_agent_bus_available{} 1 while the bus can be trusted",
      "gauge fanout_agent_datafile_last_good{sdk_key} 1 while an earlier version than the record's head serves, which is refused or whose body is not there",
      "gauge fanout_agent_datafile_left_out{sdk_key} Parts of the datafile that are not understood, while the rest serves",
      "gauge fanout_agent_datafile_revision{sdk_key} Revision of the datafile that serves",
      "gauge fanout_agent_datafile_seq{sdk_key} Position in the record of the datafile that serves; 0: not from the record",
      "gauge fanout_agent_datafile_verified_age_seconds{sdk_key} Since the datafile was last seen to be current",
      "gauge fanout_agent_events_at_risk{} Events neither delivered nor on disk: what a kill would lose now",
      "gauge fanout_agent_events_held{} Events in memory, not delivered yet",
      "gauge fanout_agent_events_on_disk_bytes{} Size of the files that keep events",
      "gauge fanout_agent_events_on_disk{} Events on disk, not delivered yet; those of an earlier life once they are read",
      "gauge fanout_agent_key_unknown{sdk_key} 1 while Optimizely denies a configured key and the record does not have it either",
      "gauge fanout_agent_quarantined{sdk_key} 1 while this agent refuses what the record has, and serves the last good datafile",
      "gauge gauge_dispatcher_queue_size{} Requests with events that are not delivered yet, as the original agent counts",
      "histogram fanout_agent_http_request_seconds{le,route} Time to answer, by route",
      "histogram fanout_agent_propagation_seconds{le} From the webhook received to the new datafile serving (the clocks of both machines count)",
      "histogram fanout_agent_swap_seconds{le} From a candidate offered to its datafile serving",
      "histogram timer_activate_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_create_api_access_token_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_decide_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_get_config_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_get_datafile_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_lookup_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_override_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_reset_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_save_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_send_odp_event_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_track_event_response_time_hist{le} Requests by milliseconds, as the original agent counts",
    ]
  `);
});

it('a scrape of an agent with workers shows these families, under these names and labels', async () => {
  const record = new MemoryRecord();
  record.publish(KEY, datafileBody(1));
  const processes = new FakeProcesses();
  const config = parseConfig(
    {
      ...{ OPTIMIZELY_SDKKEYS: KEY, OPTIMIZELY_SERVER_HOST: '127.0.0.1', AGENT_WORKERS: '2' },
      ...{ OPTIMIZELY_ADMIN_PORT: '0', OPTIMIZELY_WEBHOOK_PORT: '0' },
      OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: NOWHERE,
    },
    () => '',
  );
  const primary = new Primary(
    config,
    {
      clock: new ManualClock(),
      random: () => 0.5,
      monotonicMs: () => 0,
      log: new MemoryLog(),
      reader: record,
    },
    processes.spawn,
  );
  const starting = primary.start();
  for (const child of processes.all) child.hello();
  const { adminPort } = await starting;
  onTestFinished(() => primary.stop());
  await settled();
  const families = await familiesAt(`http://127.0.0.1:${adminPort}`);
  expect(families.filter((family) => OF_PROCESS.test(family)).length).toBeGreaterThan(10);
  expect(families.filter((family) => !OF_PROCESS.test(family))).toMatchInlineSnapshot(`
    [
      "counter counter_dispatcher_fail_flush{} Times that tries to send events were given up, as the original agent counts",
      "counter counter_dispatcher_retry_flush{} Requests with events that were not taken, as the original agent counts",
      "counter counter_dispatcher_success_flush{} Requests with events that were delivered, as the original agent counts",
      "counter fanout_agent_bus_reconnects_total{} Times that the link to the bus came up",
      "counter fanout_agent_cache_failures_total{} Reads and writes of the disk cache that failed",
      "counter fanout_agent_event_batches_total{result} Requests to the events endpoint, by result",
      "counter fanout_agent_events_total{result} Events, by what became of them; all but queued and sent are losses",
      "counter fanout_agent_http_requests_total{} Requests answered, by route and status",
      "counter fanout_agent_offers_total{reason,result,source} Datafiles that sources offered, by what became of them",
      "counter fanout_agent_quarantines_total{} Versions of the record that this agent refused",
      "counter fanout_agent_s3_polls_total{result} Reads of a manifest, by result",
      "counter fanout_agent_service_failures_total{} What services outside (profiles, segments, predictions, their caches) did not do",
      "counter fanout_agent_source_failures_total{} Looks of a source that failed",
      "counter fanout_agent_worker_restarts_total{} Worker processes that had to be started again",
      "counter fanout_agent_workers_frozen_total{} Worker processes that were ended because they did not answer any more",
      "counter timer_activate_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_activate_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_create_api_access_token_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_create_api_access_token_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_decide_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_decide_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_get_config_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_get_config_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_get_datafile_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_get_datafile_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_lookup_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_lookup_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_override_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_override_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_reset_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_reset_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_save_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_save_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_send_odp_event_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_send_odp_event_response_time{} Milliseconds spent on requests, as the original agent counts",
      "counter timer_track_event_hits{} Requests whose SDK key is known, as the original agent counts",
      "counter timer_track_event_response_time{} Milliseconds spent on requests, as the original agent counts",
      "gauge fanout_agent_bus_available{} 1 while the bus can be trusted",
      "gauge fanout_agent_datafile_last_good{sdk_key} 1 while an earlier version than the record's head serves, which is refused or whose body is not there",
      "gauge fanout_agent_datafile_left_out{sdk_key} Parts of the datafile that are not understood, while the rest serves",
      "gauge fanout_agent_datafile_revision{sdk_key} Revision of the datafile that serves",
      "gauge fanout_agent_datafile_seq{sdk_key} Position in the record of the datafile that serves; 0: not from the record",
      "gauge fanout_agent_datafile_verified_age_seconds{sdk_key} Since the datafile was last seen to be current",
      "gauge fanout_agent_events_at_risk{} Events neither delivered nor on disk: what a kill would lose now",
      "gauge fanout_agent_events_held{} Events in memory, not delivered yet",
      "gauge fanout_agent_events_on_disk_bytes{} Size of the files that keep events",
      "gauge fanout_agent_events_on_disk{} Events on disk, not delivered yet; those of an earlier life once they are read",
      "gauge fanout_agent_key_unknown{sdk_key} 1 while Optimizely denies a configured key and the record does not have it either",
      "gauge fanout_agent_quarantined{sdk_key} 1 while this agent refuses what the record has, and serves the last good datafile",
      "gauge fanout_agent_workers_behind{} Worker processes that do not serve all that the agent has accepted",
      "gauge fanout_agent_workers_serving{} Worker processes that listen",
      "gauge fanout_agent_workers_wanted{} Worker processes that there should be",
      "gauge gauge_dispatcher_queue_size{} Requests with events that are not delivered yet, as the original agent counts",
      "histogram fanout_agent_http_request_seconds{le,route} Time to answer, by route",
      "histogram fanout_agent_propagation_seconds{le} From the webhook received to the new datafile serving (the clocks of both machines count)",
      "histogram fanout_agent_swap_seconds{le} From a candidate offered to its datafile serving",
      "histogram timer_activate_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_create_api_access_token_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_decide_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_get_config_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_get_datafile_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_lookup_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_override_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_reset_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_save_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_send_odp_event_response_time_hist{le} Requests by milliseconds, as the original agent counts",
      "histogram timer_track_event_response_time_hist{le} Requests by milliseconds, as the original agent counts",
    ]
  `);
});
