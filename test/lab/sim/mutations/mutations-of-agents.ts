// The rules of agents that the simulation has to notice when they are broken. See mutations.ts.

import type { Mutation } from './mutation.ts';

export const READING: readonly Mutation[] = [
  {
    rule: 'a lower seq is taken',
    file: 'core/version.ts',
    find: "if (candidate.seq > held.seq) return 'take';",
    replace: "if (candidate.seq !== held.seq) return 'take';",
  },
  {
    rule: 'lineages are not told apart',
    file: 'core/version.ts',
    find: "if (candidate.lineage !== held.lineage) return fromRecord ? 'take' : 'ask-record';",
    replace: '',
  },
  {
    rule: 'the record is not asked about another lineage',
    file: 'agent/datafiles/intake.ts',
    find: 'reason: outcome.reason });\n      this.#options.askRecord(candidate.sdkKey);',
    replace: 'reason: outcome.reason });',
  },
  {
    rule: 'the record is not asked about a bad message',
    file: 'agent/datafiles/intake.ts',
    find: "if (candidate.source === 'nats') this.#options.askRecord(candidate.sdkKey);",
    replace: '',
  },
  {
    rule: 'a slow body is swapped in after a newer one',
    file: 'agent/datafiles/store.ts',
    find: 'const late = this.#judge(state, candidate);',
    replace: 'const late = null as OfferOutcome | null;',
  },
  {
    rule: 'a bad message masks the good body of the record',
    file: 'agent/datafiles/store.ts',
    find: "{fromRecord ? 'record' : 'hint'} ",
    replace: "{'any'} ",
  },
  {
    rule: 'the body of a message is not held against its hash',
    file: 'core/bus/envelope.ts',
    find: 'return checkBody(head.sha256, body);',
    replace: 'return body;',
  },
  {
    rule: 'a body from S3 is not held against its hash',
    file: 'agent/datafiles/sources/record.ts',
    find: 'return checkBody(sha256, await this.#options.reader.readBody(sdkKey, sha256));',
    replace: 'return this.#options.reader.readBody(sdkKey, sha256);',
  },
];

export const LAST_GOOD: readonly Mutation[] = [
  {
    rule: 'nothing serves under a head that is refused',
    file: 'agent/datafiles/sources/record.ts',
    find: '[manifest, ...pastVersions(manifest)]',
    replace: '[manifest]',
  },
  {
    rule: 'the oldest version of the history is the first that is taken',
    file: 'core/record/history.ts',
    find: '.sort(newestFirst)',
    replace: '.sort((a, b) => newestFirst(b, a))',
  },
  {
    rule: 'an earlier version takes the place of what serves',
    file: 'core/version.ts',
    find: "return candidate.seq === held.seq ? 'same' : 'older';",
    replace: "return candidate.seq === held.seq ? 'same' : fromRecord ? 'take' : 'older';",
  },
];

export const DISK_AND_LINK: readonly Mutation[] = [
  {
    rule: 'the cache file is written in place',
    file: 'agent/datafiles/sources/disk.ts',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    find: '.${process.pid}.tmp`;',
    replace: '`;',
  },
  {
    rule: 'the cache file is renamed before it is on the disk',
    file: 'agent/datafiles/sources/disk.ts',
    find: 'await file.sync();',
    replace: '',
  },
  {
    rule: 'a cached body is not held against its hash',
    file: 'agent/datafiles/sources/disk.ts',
    find: 'body: checkBody(sha256, body) };',
    replace: 'body };',
  },
  {
    rule: 'the header of a cache file is believed as it is',
    file: 'agent/datafiles/sources/disk.ts',
    find: 'if (!isIntact(header)) throw',
    replace: 'if (false) throw',
  },
  {
    rule: 'nothing is caught up on when the link comes up',
    file: 'agent/datafiles/sources/nats.ts',
    find: 'await this.#catchUpAll(connection, this.#epoch);',
    replace: 'this.#options.events.caughtUp();',
  },
  {
    rule: 'caught up first, then subscribed',
    file: 'agent/datafiles/sources/nats.ts',
    find: 'for (const sdkKey of this.#subscriptions.keys()) this.#subscribe(connection, sdkKey);\n    await this.#catchUpAll(connection, this.#epoch);',
    replace:
      'await this.#catchUpAll(connection, this.#epoch);\n    for (const sdkKey of this.#subscriptions.keys()) this.#subscribe(connection, sdkKey);',
  },
  {
    rule: 'a beat says nothing about the bus',
    file: 'agent/datafiles/supply.ts',
    find: 'this.#health.beat(beat);',
    replace: '',
  },
  {
    rule: 'missed beats go unnoticed',
    file: 'agent/datafiles/health/bus-health.ts',
    find: "this.#beatsMissed = true;\n      this.#change('beats-missed');",
    replace: '',
  },
  {
    rule: 'S3 is not polled while the bus is down',
    file: 'agent/datafiles/supply.ts',
    find: 'return this.#health.available && isPatient ? s3CheckIntervalMs : s3PollIntervalMs;',
    replace: 'return isPatient ? s3CheckIntervalMs : s3PollIntervalMs;',
  },
];
