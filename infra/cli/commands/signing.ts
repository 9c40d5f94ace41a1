// `fanout signing keygen`: a key pair for the publisher. The private half goes to a file that only its owner may read, and
// never to the screen.

import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { messageOf } from '../../../core/errors.ts';
import { parseSigningKey } from '../../../core/record/signing-keys.ts';
import { PUBLIC_KEYS_VARIABLE } from '../../../core/settings/public-keys.ts';
import { type Call, type Host, runs, usageError } from '../command.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { table } from '../output.ts';

interface Options {
  readonly out?: string;
}

const OWNER_ONLY = 0o600;
const SECRET_NAME = 'datafile-fanout/signing';

export function registerSigning(program: Command, host: Host): void {
  const group = program
    .command('signing')
    .description('keys for signed datafiles')
    .addHelpText('after', HELP);
  runs<Options>(
    group
      .command('keygen')
      .description('make an Ed25519 key pair: the private key in a file, the public one printed')
      .option('--out <file>', 'where the private key goes; default: fanout-signing-<key id>.pem here'),
    host,
    keygen,
  );
}

const HELP = `
The webhook and reconcile functions (or the receiver) sign with the private key; agents and bridges are given the public one.
infra/RUNBOOK.md says in which order to turn signing on, and how to replace a key.`;

async function keygen({ options, output }: Call<Options>): Promise<ExitCode> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  const { keyId, publicKey } = parseSigningKey(pem);
  const file = options.out ?? `fanout-signing-${keyId}.pem`;
  try {
    // Never over another key, which may be the only one of its kind.
    await writeFile(file, pem, { mode: OWNER_ONLY, flag: 'wx' });
  } catch (error) {
    throw usageError(
      `The private key could not be written to ${file} (${messageOf(error)})`,
      'Name a file that is not there yet with --out, in a folder that you may write to.',
    );
  }
  output.result({ keyId, publicKey: publicKey.text, privateKeyFile: file }, () =>
    [
      table([
        ['key id', keyId],
        ['public key', publicKey.text],
        ['private key', `${file} (readable by you alone)`],
      ]),
      '',
      `Agents, bridge:  ${PUBLIC_KEYS_VARIABLE} takes the public key (several with commas).`,
      'Publisher:       store the private key, name it in FANOUT_SIGNING_SECRET, and remove the file:',
      `  aws secretsmanager create-secret --name ${SECRET_NAME} --secret-string file://${file}`,
    ].join('\n'),
  );
  return EXIT.ok;
}
