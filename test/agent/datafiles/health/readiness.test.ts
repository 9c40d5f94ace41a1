import { describe, expect, it } from 'vitest';
import { isEnough } from '../../../../agent/datafiles/health/readiness.ts';
import { KEY, OTHER_KEY } from '../../support/fakes.ts';

const CONFIGURED = [
  { sdkKey: KEY, configured: true },
  { sdkKey: OTHER_KEY, configured: true },
];

describe('what an agent has is enough to serve', () => {
  it.each([
    ['all of it', [KEY, OTHER_KEY], [], true],
    ['half of it, and the rest may be there', [KEY], [], false],
    ['half of it, and the rest does not exist', [KEY], [OTHER_KEY], true],
    ['nothing, and one may be there', [], [OTHER_KEY], false],
    ['nothing, because nothing exists', [], [KEY, OTHER_KEY], false],
  ])('when it is %s: %j without %j', (_what, has, exempt, enough) => {
    expect(
      isEnough(
        CONFIGURED,
        (sdkKey) => has.includes(sdkKey),
        (sdkKey) => exempt.includes(sdkKey),
      ),
    ).toBe(enough);
  });

  it('an agent without configured keys has enough, also while a key asked for on demand has no datafile', () => {
    const none = () => false;
    expect(isEnough([], none, none)).toBe(true);
    expect(isEnough([{ sdkKey: KEY, configured: false }], none, none)).toBe(true);
  });
});
