// Applies the environment's settings of how a process reaches others: called once by every entry, before anything is
// asked. Certificates come first, as a proxy may have one too.

import { FanoutError } from '../../core/errors.ts';
import { maskUrl } from '../../core/http/user-info.ts';
import { ensureHome } from '../home.ts';
import { useProxies } from './proxy.ts';
import { trustCertificates } from './trust.ts';

export interface OutboundRoute {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** For operators: proxies and added authorities, one line; null where there is nothing to say. */
  readonly summary: string | null;
}

/** @param env of this process; gets a HOME where it has none */
export function openOutboundRoute(env: Record<string, string | undefined>): OutboundRoute {
  ensureHome(env);
  const trust = trustCertificates(env);
  const { httpProxy, httpsProxy, problems } = useProxies(env);
  const proxies = [
    ...(httpsProxy === null ? [] : [`https by ${maskUrl(httpsProxy)}`]),
    ...(httpProxy === null ? [] : [`http by ${maskUrl(httpProxy)}`]),
  ];
  const said = [...proxies, ...(trust.added === 0 ? [] : [`${trust.added} certificates added`])];
  return {
    problems: [...trust.problems, ...problems],
    warnings: trust.warnings,
    summary: said.length === 0 ? null : said.join(', '),
  };
}

/** The same for a process that is to run. @throws FanoutError CONFIG_INVALID */
export function requireOutboundRoute(env: Record<string, string | undefined>): OutboundRoute {
  const outboundRoute = openOutboundRoute(env);
  if (outboundRoute.problems.length === 0) return outboundRoute;
  throw outboundRouteInvalid(outboundRoute.problems);
}

export const outboundRouteInvalid = (problems: readonly string[]) =>
  new FanoutError({
    code: 'CONFIG_INVALID',
    message: `The way out of this process is set wrong: ${problems.join('; ')}`,
    remedy: 'Correct or unset the variables; they are those that other programs of this machine go by.',
    retryable: false,
  });
