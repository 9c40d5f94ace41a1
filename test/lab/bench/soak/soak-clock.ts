// One clock for several processes of a machine: milliseconds of the monotonic clock, which all of them share.

const NS_PER_MS = 1e6;

export const sharedNowMs = (): number => Number(process.hrtime.bigint()) / NS_PER_MS;
