// Every `fanout …`, `npm …` and `osls …` that a document names, in a block or in passing, exists with each of its options.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT_DIR } from '../../infra/local/root.ts';
import { documents } from './blocks.ts';
import { commandsIn, problemOf } from './commands.ts';

const pageOf = (document: string) => readFileSync(join(ROOT_DIR, document), 'utf8');
const named = documents().map((document) => ({ document, commands: commandsIn(pageOf(document)) }));

it('commands are found in the documents', () => {
  const all = named.flatMap(({ commands }) => commands);
  for (const program of ['fanout', 'npm', 'osls'])
    expect(all.filter((command) => command.program === program).length, program).toBeGreaterThan(1);
  expect(all.length).toBeGreaterThan(60);
});

it.each(named)('$document names only commands and options that exist', async ({ commands }) => {
  const problems = await Promise.all(commands.map(problemOf));
  expect(problems.filter((problem) => problem !== null)).toEqual([]);
});

describe('a command in a document', () => {
  const page = (text: string) => commandsIn(text);

  it.each([
    ['in passing', 'see `fanout logs --change <id>`.', ['logs', '--change', '<id>']],
    ['over two lines', 'see `fanout logs\n  --since 1h`.', ['logs', '--since', '1h']],
    ['by npm', 'see `npm run -s fanout -- doctor --local`', ['doctor', '--local']],
    ['in a block', '```sh\nA=1 fanout doctor \\\n  --probe   # why\n```\n', ['doctor', '--probe']],
    ['before a pipe', '```sh\nfanout logs --json | head\n```\n', ['logs', '--json']],
  ])('%s is found', (_, text, words) => {
    expect(page(text)).toEqual([{ program: 'fanout', words }]);
  });

  it.each([
    ['`fanout web test`', 'fanout  has no command web'],
    ['`fanout datafile undo`', 'fanout datafile has no command undo'],
    ['`fanout logs --tail`', 'fanout logs has no option --tail'],
    ['`fanout config check --of agents`', 'takes functions, receiver, agent, not agents'],
    ['`npm run upp`', 'no npm script upp'],
    ['`npm run up -- --agent 3`', 'npm run up has no option --agent'],
    ['`npx osls deploy --stages prod`', 'osls deploy has no option --stages'],
    ['`npx osls deploy --param natsURL=x`', 'serverless.yml has no param natsURL'],
  ])('a command in a document that does not exist is found out: %s', async (text, problem) => {
    const [command] = page(text);
    expect(command && (await problemOf(command))).toContain(problem);
  });
});
