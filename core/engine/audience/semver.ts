// Versions as audiences compare them: like semantic versions, but a condition may name fewer parts than the user has. The
// Optimizely SDK's own order, odd corners included. Pure.

type Parts = readonly string[];

const DIGITS = /^\d+$/;
const WHITE_SPACE = /\s/;
const NUMBERS_MAX = 3;

/** @returns how the user's version stands to the wanted one: 1, 0 or -1; null where either is not a version */
export function compareVersions(user: string, wanted: string): -1 | 0 | 1 | null {
  const own = partsOf(user);
  const asked = partsOf(wanted);
  if (own === null || asked === null) return null;
  for (let i = 0; i < asked.length; i++) {
    const part = own[i];
    if (part === undefined) return hasSuffix(wanted) ? 1 : -1;
    const order = comparePart(part, asked[i] as string, user, wanted);
    if (order !== 0) return order;
  }
  return isPreRelease(user) && !isPreRelease(wanted) ? -1 : 0;
}

function comparePart(part: string, asked: string, user: string, wanted: string): -1 | 0 | 1 {
  if (DIGITS.test(part)) {
    const difference = Number.parseInt(part, 10) - Number.parseInt(asked, 10);
    // Not a number against a suffix: neither is more.
    return difference > 0 ? 1 : difference < 0 ? -1 : 0;
  }
  if (part < asked) return isPreRelease(wanted) && !isPreRelease(user) ? 1 : -1;
  if (part > asked) return !isPreRelease(wanted) && isPreRelease(user) ? -1 : 1;
  return 0;
}

/** The numbers, and the suffix if there is one. */
function partsOf(version: string): Parts | null {
  if (WHITE_SPACE.test(version)) return null;
  const end = isPreRelease(version) ? version.indexOf('-') : isBuild(version) ? version.indexOf('+') : -1;
  const numbers = (end < 0 ? version : version.slice(0, end)).split('.');
  if (numbers.length > NUMBERS_MAX || !numbers.every((part) => DIGITS.test(part))) return null;
  const suffix = end < 0 ? '' : version.slice(end + 1);
  return suffix === '' ? numbers : [...numbers, suffix];
}

function isPreRelease(version: string): boolean {
  const dash = version.indexOf('-');
  const plus = version.indexOf('+');
  return dash >= 0 && (plus < 0 || dash < plus);
}

function isBuild(version: string): boolean {
  const dash = version.indexOf('-');
  const plus = version.indexOf('+');
  return plus >= 0 && (dash < 0 || plus < dash);
}

const hasSuffix = (version: string): boolean => isPreRelease(version) || isBuild(version);
