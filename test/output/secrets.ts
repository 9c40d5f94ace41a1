// What must never be printed: which values of a setting are secret, and what secrets of any origin look like. Pure.

/** Every secret that a test makes up begins so; it is looked for without having been registered. */
export const HUSH = 'hush-';

/** Shorter ones are words such as "local" or "s", which say nothing when they are found. */
const SECRET_LENGTH_MIN = 8;
/** Settings that hold secrets, ours and the original's; not those that only name where one is. */
const SECRET_SETTING =
  /(PASSWORD|TOKEN|CREDS|PROJECTS|HMACSECRETS|SDKKEYS|USERPROFILESERVICE|CACHE|CLIENTS|SIGNING_KEY|SECRET_ACCESS_KEY|WEBHOOK_SECRET|PROJECTS_\d+_SECRET|API_KEY)$/i;
const SECRET_FIELD = /secret|token|password|creds|authorization|api-?key/i;

export interface Secret {
  /** Where it came from; this is what is told, never the value. */
  readonly label: string;
  readonly value: string;
}

/** The secrets among the environment of a process, or among settings of that shape. */
export function secretsOf(env: Readonly<Record<string, string | undefined>>): Secret[] {
  return Object.entries(env)
    .flatMap(([name, value = '']) => {
      const own = SECRET_SETTING.test(name) && value !== '' ? valuesOf(name, value) : [];
      return [...own, ...passwordsOfUrls(value)].map((secret) => ({ label: name, value: secret }));
    })
    .filter(({ value }) => value.length >= SECRET_LENGTH_MIN);
}

/** Passwords in URLs of any setting: as written, and as a program that has read the URL would print them. */
function passwordsOfUrls(text: string): string[] {
  return [...text.matchAll(/:\/\/[^\s"/:@]*:([^\s"/@]+)@/g)].flatMap(([, password = '']) => [
    ...new Set([password, decodeURIComponent(password)]),
  ]);
}

function valuesOf(name: string, value: string): string[] {
  // `sdkKey:datafileAccessToken`, parted by commas; the keys themselves are no secret.
  if (/SDKKEYS$/i.test(name)) return value.split(',').flatMap((pair) => pair.split(':').slice(1));
  if (/^\s*[[{]/.test(value)) return leavesOf(JSON.parse(value), false);
  // Lists, and several lines of a key or of credentials: each may be printed alone.
  return value.split(/[,\n]/).map((line) => line.trim());
}

/** Texts below a field whose name says that they are secret. */
function leavesOf(value: unknown, isSecret: boolean): string[] {
  if (typeof value === 'string') return isSecret ? [value] : [];
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([field, inner]) =>
    leavesOf(inner, isSecret || SECRET_FIELD.test(field)),
  );
}

/** Patterns that no output may contain, with any value. */
export const FORBIDDEN: readonly { readonly label: string; readonly pattern: RegExp }[] = [
  { label: 'a secret of the tests', pattern: /hush-[\w-]+/ },
  { label: "the secret of Optimizely's own example", pattern: /yIRFMTpsBcAKKRjJPCIykNo6EkNxJn_nq01/ },
  { label: 'a private key', pattern: /-----BEGIN [A-Z ]*PRIVATE KEY-----/ },
  { label: 'an access token', pattern: /\bBearer [\w.~+/=-]{8,}/ },
  { label: 'a signed token', pattern: /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/ },
  // Of a line of log only: commands of `fanout` print datafiles on request.
  { label: 'the body of a datafile', pattern: /^(?=.*"event":"[a-z.-]+").*"featureFlags\\?":/m },
];

const anyOf = (secrets: readonly Secret[]): RegExp =>
  new RegExp(secrets.map(({ value }) => value.replaceAll(/[^\w]/g, '\\$&')).join('|'));

export interface Find {
  readonly label: string;
  /** What is printed before it, to find the place. */
  readonly before: string;
}

/** Each secret and each forbidden pattern that `output` holds, once. */
export function findSecrets(output: string, secrets: readonly Secret[]): Find[] {
  // One pass for all of them; nearly always it finds nothing.
  const suspects = secrets.length > 0 && anyOf(secrets).test(output) ? secrets : [];
  const known = suspects.map(({ label, value }) => ({ label, at: output.indexOf(value) }));
  const patterns = FORBIDDEN.map(({ label, pattern }) => ({ label, at: output.search(pattern) }));
  return [...known, ...patterns]
    .filter(({ at }) => at >= 0)
    .map(({ label, at }) => ({ label, before: output.slice(Math.max(0, at - 200), at) }));
}
