// The meaning of a receiver's answer to a test event, and what to do about it. Pure; sends nothing.

import { WEBHOOK_PATH } from '../../core/webhook.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';

export interface Verdict {
  readonly ok: boolean;
  readonly meaning: string;
  /** Empty where there is nothing to do. */
  readonly remedy: string;
  readonly exit: ExitCode;
}

export interface Received {
  readonly status: number;
  readonly text: string;
}

/** Of an event with the right signature. */
export function judgeSigned(received: Received, url: URL, projectId: string): Verdict {
  const { status } = received;
  if (status === 204) return { ok: true, meaning: 'accepted', remedy: '', exit: EXIT.ok };
  if (isSignatureRefused(received))
    return {
      ok: false,
      meaning: `The receiver knows project ${projectId}, but not this secret.`,
      remedy:
        "Compare FANOUT_WEBHOOK_SECRET and the project table's secrets with what the app shows; a secret that was changed a moment ago is read again within minutes.",
      exit: EXIT.refused,
    };
  const [meaning, remedy, exit] = MEANINGS[status] ?? otherMeaning(status, url);
  return { ok: false, meaning, remedy, exit };
}

/** Of an event with a wrong signature, after one with the right signature was accepted. */
export function judgeForged(received: Received, projectId: string): Verdict {
  if (isSignatureRefused(received))
    return {
      ok: true,
      meaning: 'The receiver knows the project and its secret, and refuses what is wrongly signed.',
      remedy: '',
      exit: EXIT.ok,
    };
  if (received.status === 204)
    return {
      ok: false,
      meaning: `Events of project ${projectId} are accepted with any signature: the receiver does not know the project, and ignores all of it.`,
      remedy: `Add project ${projectId} to the project table, or correct --project.`,
      exit: EXIT.finding,
    };
  const [meaning, remedy, exit] = MEANINGS[received.status] ?? [
    `The wrongly signed event was answered ${received.status} rather than 401.`,
    'Run the test again; if it stays, something other than the receiver answers here.',
    EXIT.finding,
  ];
  return { ok: false, meaning, remedy, exit };
}

/** The receiver answers 401; an agent's own webhook port answers as Optimizely's Agent does. */
const isSignatureRefused = ({ status, text }: Received): boolean =>
  status === 401 || (status === 400 && /signature/i.test(text));

const MEANINGS: Readonly<Record<number, readonly [string, string, ExitCode]>> = {
  400: [
    'The signature is right, but the receiver does not take the event.',
    'Is it another version of the receiver? Its log line says what it missed: `fanout logs --since 15m`.',
    EXIT.finding,
  ],
  403: [
    'Something in front of the receiver refused the request.',
    "Look at the firewall's rules (WAF) and at what the route authorizes: Optimizely sends no credentials but its signature.",
    EXIT.refused,
  ],
  404: [
    'There is no receiver at this path.',
    `The address ends in ${WEBHOOK_PATH}; an API with a named stage has that in front of it.`,
    EXIT.finding,
  ],
  405: [
    'Something answers at this path that takes no POST.',
    `The address ends in ${WEBHOOK_PATH}.`,
    EXIT.finding,
  ],
  413: [
    'Something in front of the receiver takes no body of this size, about 100 bytes.',
    'Look at the limits of what is in front of it; webhooks are about 320 bytes.',
    EXIT.finding,
  ],
  429: [
    'The route is throttled.',
    'Try again in a minute. If it stays, raise routeRatePerSecond and routeBurst, or webhookConcurrency.',
    EXIT.unreachable,
  ],
  500: [
    'The receiver failed.',
    'Its log says why: `fanout logs --since 15m`, or the function errors on the dashboard.',
    EXIT.unreachable,
  ],
  502: [
    'The gateway got no usable answer from the receiver.',
    'It ended before it answered, often for wrong settings at its start: look at its log.',
    EXIT.unreachable,
  ],
  503: [
    'The receiver is not available, has no capacity left, or cannot read its project table.',
    'Its log says which: `fanout logs --since 15m`. On Lambda look at the throttles too, elsewhere at which receivers are ready.',
    EXIT.unreachable,
  ],
  504: [
    'The receiver took too long.',
    'A test event needs no network: look for a receiver that cannot start, or a network that loses its answers.',
    EXIT.unreachable,
  ],
};

function otherMeaning(status: number, url: URL): readonly [string, string, ExitCode] {
  if (status >= 300 && status < 400)
    return [
      'The address redirects, and what is signed is not sent on.',
      'Register the address that it leads to.',
      EXIT.finding,
    ];
  if (status < 300)
    return [
      `The event was answered ${status} rather than 204: something other than the receiver answers here.`,
      `Is ${url.href} really the receiver's address?`,
      EXIT.finding,
    ];
  return [
    `The event was answered ${status}, which the receiver never does.`,
    `Look at what is in front of ${url.host}.`,
    status >= 500 ? EXIT.unreachable : EXIT.finding,
  ];
}
