// A datafile that both gates load and that no agent can decide by: the SDK takes a name that every object has for an audience
// that is there, and throws. Optimizely's ids are digits, so no real datafile has such a one.

interface Rule {
  audienceConditions?: unknown;
}

interface Parsed {
  readonly experiments: readonly Rule[];
  readonly rollouts: readonly { readonly experiments: readonly Rule[] }[];
}

/** The same with every rule asking for that audience. */
export function undecidable(body: Uint8Array): Buffer {
  const datafile = JSON.parse(Buffer.from(body).toString()) as Parsed;
  for (const rule of [
    ...datafile.experiments,
    ...datafile.rollouts.flatMap(({ experiments }) => experiments),
  ])
    rule.audienceConditions = ['constructor'];
  return Buffer.from(JSON.stringify(datafile));
}
