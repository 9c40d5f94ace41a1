// Entry of `fanout`: the only place of the command line that touches the process.

import { randomUUID } from 'node:crypto';
import { openOutboundRoute } from '../../io/http/outbound-route.ts';
import { realClock } from '../../io/real-clock.ts';
import { runProgram } from './program.ts';
import type { Shell, Stream } from './shell.ts';

const PAGE_COLUMNS = 100;

const streamOf = (stream: NodeJS.WriteStream): Stream => ({
  write: (text) => {
    stream.write(text);
  },
  isTerminal: stream.isTTY === true,
  columns: stream.columns ?? PAGE_COLUMNS,
});

const interruption = new AbortController();
// The first asks the command to tidy up; the second, or a command that does not listen, ends at once.
process.once('SIGINT', () => interruption.abort());

// `fanout … | head` closes the pipe early: that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

const shell: Shell = {
  env: process.env,
  adopt: (variables) => {
    for (const [name, value] of Object.entries(variables)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  },
  out: streamOf(process.stdout),
  err: streamOf(process.stderr),
  clock: realClock(Date.now),
  random: Math.random,
  newId: randomUUID,
  fetch,
  outboundRoute: openOutboundRoute(process.env),
  interrupted: interruption.signal,
};

process.exitCode = await runProgram(process.argv.slice(2), shell);
