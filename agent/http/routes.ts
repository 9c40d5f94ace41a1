// Every path that the agent answers, by port, in one table. What answers a path is named where the port is wired, by the same words, so
// that neither can be without the other.

import type { Timer } from '../metrics/timers.ts';
import type { Route } from './kernel/route.ts';

/** What is said of a route beside its method and path. */
export type RouteRow = Pick<Route, 'anyContentType' | 'refusesHead' | 'ending' | 'isOpen'> & {
  /** The original agent's timer of it. */
  readonly timer?: string;
};

/** By method and path. */
export type RouteTable = Readonly<Record<`${Route['method']} ${string}`, RouteRow>>;
/** What answers each route of a table. */
export type Handlers<T extends RouteTable> = { readonly [K in keyof T]: Route['handle'] };

const HEALTH = {
  'GET /health': { isOpen: true },
  'GET /health/live': { isOpen: true },
  'GET /health/ready': { isOpen: true },
} as const satisfies RouteTable;

/** Also in a batch. A body that is not called JSON is refused after the SDK key, as in the original. */
export const OPERATIONS = {
  'POST /v1/decide': { anyContentType: true, timer: 'decide' },
  'POST /v1/activate': { anyContentType: true, timer: 'activate' },
  'POST /v1/track': { anyContentType: true, timer: 'track-event' },
  'POST /v1/override': { anyContentType: true, timer: 'override' },
  'POST /v1/lookup': { anyContentType: true, timer: 'lookup' },
  'POST /v1/save': { anyContentType: true, timer: 'save' },
  'POST /v1/reset': { anyContentType: true, timer: 'reset' },
  'POST /v1/send-odp-event': { anyContentType: true, timer: 'send-odp-event' },
  'GET /openapi.json': { isOpen: true },
  'GET /openapi.yaml': { isOpen: true },
  'GET /': { isOpen: true },
  'GET /v1/config': { timer: 'get-config' },
  'GET /v1/datafile': { timer: 'get-datafile' },
} as const satisfies RouteTable;

const TOKEN = {
  'POST /oauth/token': { isOpen: true, anyContentType: true, timer: 'create-api-access-token' },
} as const satisfies RouteTable;

/** No part of a batch: what answers without end, what takes other content, and other protocols. */
export const BESIDE_OPERATIONS = {
  ...HEALTH,
  // At every path that ends in it, as in the original. Its operations ask for their tokens themselves.
  'POST /v1/batch': { isOpen: true, ending: '/batch', anyContentType: true },
  'GET /v1/notifications/event-stream': {},
  'GET /v1/datafile/stream': {},
  // Secure datafiles need a token of their own, as at the CDN.
  'GET /datafiles/*': { isOpen: true },
  'POST /ofrep/v1/evaluate/flags': {},
  'POST /ofrep/v1/evaluate/flags/*': {},
  ...TOKEN,
} as const satisfies RouteTable;

const ADMIN = {
  ...HEALTH,
  'GET /info': { refusesHead: true },
  'GET /config': { refusesHead: true },
  'GET /metrics': { refusesHead: true },
  ...TOKEN,
} as const satisfies RouteTable;

const WEBHOOK = {
  'POST /webhooks/optimizely': {},
  // For probes of other hosts where the admin port is this machine's: with several workers both ports are the primary's.
  ...HEALTH,
} as const satisfies RouteTable;

export const ROUTES = {
  api: { ...OPERATIONS, ...BESIDE_OPERATIONS },
  admin: ADMIN,
  webhook: WEBHOOK,
} as const;

/** @param timer left out: nothing is timed */
export function mount<T extends RouteTable>(
  table: T,
  handlers: Handlers<T>,
  timer?: (name: string) => Timer,
): readonly Route[] {
  return Object.entries<RouteRow>(table).map(([route, { timer: name, ...row }]) => {
    const [method, path] = route.split(' ') as [Route['method'], string];
    const handle = handlers[route as keyof T];
    return { method, path, handle, ...row, ...(name && timer ? { timer: timer(name) } : {}) };
  });
}
