// Finds the route of a request by method and path. Knows nothing of what routes do, nor of connections: the operations of
// a batch are routed by the same rules.

import type { Route } from './route.ts';

/** Whether a path ends so, in any case. @param ending in lower case */
export const endsIn = (path: string, ending: string): boolean =>
  path.length >= ending.length && path.slice(-ending.length).toLowerCase() === ending;

export class Router<R extends Route> {
  readonly #paths = new Map<string, Map<string, R>>();
  /** Those that are reached by how a path ends. */
  readonly #endings: R[] = [];
  /** The paths that stand for all below them, without their `*`. */
  readonly #folders: string[] = [];

  constructor(routes: readonly R[]) {
    for (const route of routes) {
      if (route.ending !== undefined) {
        this.#endings.push(route);
        continue;
      }
      const methods = this.#paths.get(route.path) ?? new Map<string, R>();
      methods.set(route.method, route);
      this.#paths.set(route.path, methods);
      if (route.path.endsWith('/*')) this.#folders.push(route.path.slice(0, -1));
    }
  }

  /** @param path without its query */
  find(method: string, path: string): R | undefined {
    const exact = this.#paths.get(path)?.get(method);
    if (exact !== undefined) return exact;
    if (method === 'HEAD') return answersHead(path, this.find('GET', path));
    return this.#ending(method, path) ?? this.#below(path)?.get(method);
  }

  /** Which methods there are at a path: none where nothing is. */
  methodsAt(path: string): readonly string[] {
    const routes = this.#paths.get(path) ?? this.#below(path);
    const methods = [...(routes?.keys() ?? [])];
    return answersHead(path, routes?.get('GET')) === undefined ? methods : [...methods, 'HEAD'];
  }

  #ending(method: string, path: string): R | undefined {
    return this.#endings.find((route) => route.method === method && endsIn(path, route.ending as string));
  }

  #below(path: string): Map<string, R> | undefined {
    const folder = this.#folders.find((prefix) => path.startsWith(prefix) && path.length > prefix.length);
    return folder === undefined ? undefined : this.#paths.get(`${folder}*`);
  }
}

/** The route of GET, where it answers HEAD too. Not below /v1: there the original refuses it, and some answers have no end. */
const answersHead = <R extends Route>(path: string, get: R | undefined): R | undefined =>
  get?.refusesHead || path.startsWith('/v1/') ? undefined : get;
