// What pages may send to each route, and read of its answers, where the operator chose nothing. Routes of the original have
// its defaults; the clients of other routes need more in browsers.

export interface CorsRoute {
  /** What its paths begin with. */
  readonly path: string;
  /** Lower case. */
  readonly allowedHeaders: readonly string[];
  readonly exposedHeaders: readonly string[];
  /** Its answers are the same for every page: shared caches need not tell them apart. */
  readonly isShared?: true;
}

/** The original's; measured on its version 4.4. */
export const CORS_BY_DEFAULT: Omit<CorsRoute, 'path'> = {
  allowedHeaders: ['accept', 'content-type', 'origin'],
  exposedHeaders: [],
};

const DATAFILE_HEADERS = ['X-Datafile-Revision', 'X-Datafile-Seq', 'X-Datafile-Lineage'];

export const CORS_ROUTES: readonly CorsRoute[] = [
  {
    path: '/datafiles/',
    // An SDK that polls sends the date, and the token of a secure environment. Optimizely's CDN is as open.
    allowedHeaders: [
      ...CORS_BY_DEFAULT.allowedHeaders,
      'authorization',
      'if-modified-since',
      'if-none-match',
    ],
    exposedHeaders: ['ETag', ...DATAFILE_HEADERS],
    isShared: true,
  },
  {
    path: '/ofrep/',
    // OpenFeature's web provider sends what its options say, and the ETag of what it has.
    allowedHeaders: [
      ...CORS_BY_DEFAULT.allowedHeaders,
      'authorization',
      'if-none-match',
      'x-api-key',
      'x-optimizely-sdk-key',
    ],
    exposedHeaders: ['ETag', 'Retry-After', ...DATAFILE_HEADERS],
  },
];
