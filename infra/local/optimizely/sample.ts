// The datafile of `npm run up` and `npm run demo`: flags that a newcomer can guess the meaning of, before as many others as make it
// as large as a real one.

import { type DatafileJson, type FlagSample, generateDatafile } from './datafile.ts';

const SAMPLES: readonly FlagSample[] = [
  {
    key: 'checkout',
    variables: [
      { name: 'button_text', type: 'string', off: 'Buy', on: 'Buy now' },
      { name: 'steps', type: 'integer', off: '3', on: '1' },
    ],
  },
  { key: 'price', variables: [{ name: 'discount', type: 'double', off: '0', on: '0.1' }] },
  {
    key: 'banner',
    variables: [{ name: 'headline', type: 'string', off: '', on: 'Free delivery this week' }],
  },
];
const OTHER_FLAGS = 97;

/** The flag that is flipped where none is named. */
export const SAMPLE_FLAG = 'checkout';

export const sampleDatafile = (): DatafileJson => generateDatafile({ samples: SAMPLES, flags: OTHER_FLAGS });
