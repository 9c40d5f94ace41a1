// One question to the Data Platform: which of these segments a user is in. The user's id travels as a variable of the
// query, so that no id can change what is asked.

import { parseJsonWithin } from '../../../core/datafile/json-depth.ts';
import type { Ask } from '../../services/requester.ts';
import { serviceFailed } from '../../services/time-limit.ts';
import type { OdpProject } from '../project-traits.ts';

const NAME = 'The Data Platform';
const QUALIFIED = 'qualified';

/** @throws FanoutError SERVICE_FAILED, also when the platform does not know the user */
export async function fetchSegments(
  ask: Ask,
  { host, apiKey, segments }: OdpProject,
  userKey: string,
  userId: string,
  timeoutMs: number,
): Promise<readonly string[]> {
  const query = `query($userId: String, $audiences: [String]) {customer(${userKey}: $userId) {audiences(subset: $audiences) {edges {node {name state}}}}}`;
  const { status, text } = await ask(NAME, `${host}/v3/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': apiKey },
    body: JSON.stringify({ query, variables: { userId, audiences: segments } }),
    timeoutMs,
  });
  if (status < 200 || status > 299) throw serviceFailed(NAME, `segments were answered with status ${status}`);
  return readSegments(parse(text));
}

interface GraphAnswer {
  readonly errors?: readonly {
    readonly extensions?: { readonly code?: string; readonly classification?: string };
  }[];
  readonly data?: { readonly customer?: { readonly audiences?: { readonly edges?: readonly GraphEdge[] } } };
}

interface GraphEdge {
  readonly node?: { readonly name?: unknown; readonly state?: unknown };
}

function readSegments(answer: GraphAnswer | null): string[] {
  // Most errors come with status 200.
  const [error] = answer?.errors ?? [];
  if (error !== undefined) {
    const { code, classification } = error.extensions ?? {};
    throw serviceFailed(NAME, `it answers with the error ${code ?? classification ?? 'unknown'}`);
  }
  const edges = answer?.data?.customer?.audiences?.edges;
  if (!Array.isArray(edges)) throw serviceFailed(NAME, 'its answer has no segments');
  return edges.flatMap(({ node }: GraphEdge) =>
    node?.state === QUALIFIED && typeof node.name === 'string' ? node.name : [],
  );
}

function parse(text: string): GraphAnswer | null {
  try {
    return parseJsonWithin(text) as GraphAnswer | null;
  } catch (cause) {
    throw serviceFailed(NAME, 'what it answers is not JSON', cause);
  }
}
