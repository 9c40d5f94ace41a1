// What spans say of a datafile, made once for all spans about it. SDK keys are left out where they are left out of logs.

import type { Attributes } from '@opentelemetry/api';
import type { DatafileMeta } from '../datafiles/sources/source.ts';

export class DatafileFields {
  readonly #sdkKeys: boolean;
  readonly #made = new WeakMap<DatafileMeta, Attributes>();

  /** @param sdkKeys whether they may be named */
  constructor(sdkKeys: boolean) {
    this.#sdkKeys = sdkKeys;
  }

  of(datafile: DatafileMeta): Attributes {
    let fields = this.#made.get(datafile);
    if (fields === undefined) {
      const { sdkKey, revision, seq, lineage, changeId } = datafile;
      fields = {
        ...(this.#sdkKeys ? { 'fanout.sdk_key': sdkKey } : {}),
        'fanout.revision': revision,
        'fanout.seq': seq,
        'fanout.lineage': lineage,
        'fanout.change_id': changeId,
      };
      this.#made.set(datafile, fields);
    }
    return fields;
  }
}
