// The trace id of a change: part of the interface, as logs and agents of different releases must agree on it.

import { describe, expect, it } from 'vitest';
import { changeTraceId } from '../../core/trace.ts';

describe('the trace of a change', () => {
  it('the trace of a change has an id that follows from the change alone, the same in every release', () => {
    // What `printf 'change JKJaXmPLvHcESHA' | sha256sum | cut -c1-32` prints.
    expect(changeTraceId('JKJaXmPLvHcESHA')).toBe('5efbf422b9e443c8e3f4e4670e3001f8');
  });

  it('the trace of a change is another for another change', () => {
    expect(changeTraceId('a')).not.toBe(changeTraceId('b'));
  });
});
