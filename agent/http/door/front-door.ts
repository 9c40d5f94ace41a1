// What every request of a port meets before its route: is the host an allowed one, is there room, is it a browser's question
// beforehand. Decides within the call, so that a request that may come in loses nothing but a few look-ups.

import type { ServerResponse } from 'node:http';
import type { CorsSettings } from '../../config/config.ts';
import type { BodyRequest } from '../kernel/body-request.ts';
import type { HeaderList } from '../kernel/exchange.ts';
import { requestIdOf } from '../kernel/request-id.ts';
import { endsIn } from '../kernel/router.ts';
import { type HostRules, hostCheck } from './allowed-hosts.ts';
import { createCors } from './cors.ts';
import { isHealthPath } from './unrouted.ts';

export interface FrontDoorOptions extends HostRules {
  readonly healthCheckPath: string;
  readonly cors: CorsSettings | null;
  /** Requests answered at a time; 0: no limit. */
  readonly maxConns: number;
  /** See ServeOptions. */
  readonly newRequestId?: () => string;
  /** Told of every request that was refused here. */
  readonly onRefused: (status: number) => void;
}

export interface FrontDoor {
  /** What every answer to the request must say; null when it has been answered here. */
  admit(request: BodyRequest, response: ServerResponse): HeaderList | null;
}

const NO_HEADERS: HeaderList = [];
const JSON_TYPE = 'application/json; charset=utf-8';
const TEXT_TYPE = 'text/plain; charset=utf-8';

/** As the original words it. */
const WRONG_HOST = JSON.stringify({ error: 'invalid request host' });
const FULL = 'Server capacity exceeded.\n';

export function createFrontDoor(options: FrontDoorOptions): FrontDoor {
  const { healthCheckPath, maxConns, onRefused } = options;
  const isAllowedHost = hostCheck(options);
  const cors =
    options.cors === null
      ? null
      : createCors(options.cors, (request) => requestIdOf(request, options.newRequestId));
  let underWay = 0;

  const healthEnding = healthCheckPath.toLowerCase();
  /** Probes call the agent by any address that it has, and are never one too many. */
  const isHealthCheck = ({ url = '', method }: BodyRequest): boolean => {
    const path = url.split('?', 1)[0] as string;
    if (isHealthPath(path)) return true;
    return (method === 'GET' || method === 'HEAD') && endsIn(path, healthEnding);
  };

  const refuse = (
    request: BodyRequest,
    response: ServerResponse,
    status: number,
    contentType: string,
    body: string,
  ): null => {
    onRefused(status);
    request.resume();
    if (status === 429) response.setHeader('Retry-After', 1);
    response.writeHead(status, {
      'Content-Type': contentType,
      'X-Content-Type-Options': 'nosniff',
      'Content-Length': Buffer.byteLength(body),
    });
    response.end(body);
    return null;
  };

  return {
    admit(request, response) {
      if (isAllowedHost !== null && !isAllowedHost(request.headers, request.socket.remoteAddress)) {
        if (!isHealthCheck(request)) return refuse(request, response, 404, JSON_TYPE, WRONG_HOST);
        request.isForOtherHost = true;
      }
      if (maxConns > 0 && !isHealthCheck(request)) {
        if (underWay >= maxConns) return refuse(request, response, 429, TEXT_TYPE, FULL);
        underWay++;
        response.once('close', () => underWay--);
      }
      return cors === null ? NO_HEADERS : cors.handle(request, response);
    },
  };
}
