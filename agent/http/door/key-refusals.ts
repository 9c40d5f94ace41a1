// How each protocol refuses an SDK key: the status by which its clients know what to do, and a text for people.

import type { KeyRefusal } from '../../datafiles/keys/keys.ts';

export type KeyRefusals = Readonly<Record<KeyRefusal, readonly [status: number, message: string]>>;

/** In the words of the original, as some of its clients look at them. */
export const REST_REFUSALS: KeyRefusals = {
  missing: [400, 'missing required X-Optimizely-SDK-Key header'],
  malformed: [400, 'sdkKey failed validation'],
  denied: [403, 'unable to fetch fresh datafile (consider rechecking SDK key), status code: 403 Forbidden'],
  'not-found': [500, 'failed to instantiate Optimizely for SDK Key'],
  'too-many': [503, 'no more SDK keys can be loaded on demand; list this one in OPTIMIZELY_SDKKEYS'],
};

/** 401 and 403 are errors of their own in the protocol's clients. */
export const OFREP_REFUSALS: KeyRefusals = {
  missing: [401, 'missing SDK key: send it as X-API-Key, X-Optimizely-SDK-Key or a bearer token'],
  malformed: [401, 'the SDK key is malformed'],
  denied: [403, 'no datafile for this SDK key and token'],
  'not-found': [500, 'the datafile of this SDK key could not be fetched'],
  'too-many': [500, 'no more SDK keys can be loaded on demand'],
};

/** As Optimizely's CDN: SDKs give up at 403 and 404, and try again at 503. */
export const CDN_REFUSALS: KeyRefusals = {
  missing: [404, 'no SDK key in the path'],
  malformed: [404, 'not an SDK key'],
  denied: [403, 'no datafile for this SDK key and token'],
  'not-found': [503, 'the datafile of this SDK key could not be fetched'],
  'too-many': [503, 'no more SDK keys can be loaded on demand'],
};
