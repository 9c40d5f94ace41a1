// Loaded into an agent before anything else (`node --import`): its clock is off by what a file says, looked at again and
// again, so that it jumps while the agent runs. Timers go by the monotonic clock, as they do when a real clock jumps.

import { readFileSync } from 'node:fs';

const file = process.env.CHAOS_CLOCK_FILE;
const LOOK_EVERY_MS = 50;
const RealDate = Date;
let offsetMs = 0;

globalThis.Date = class extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [RealDate.now() + offsetMs] : given));
  }
  static now() {
    return RealDate.now() + offsetMs;
  }
};

const look = () => {
  try {
    offsetMs = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    offsetMs = 0; // There is no file while the clock is right.
  }
};
look();
setInterval(look, LOOK_EVERY_MS).unref();
