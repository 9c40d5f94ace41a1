// The CloudFormation that `npm run package` makes of the bundles as they lie in dist/, for tests that read it.

import { createHash } from 'node:crypto';
import { copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageService, TEMPLATE_FILE } from '../../../infra/package.ts';

export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation as it comes; a test that expects too much fails.
  readonly Properties: Record<string, any>;
}

export interface Template {
  readonly Resources: Record<string, Resource>;
  readonly Outputs: Record<string, unknown>;
  readonly Conditions: Record<string, unknown>;
}

/** A folder of this run's own, made by test/build-once.ts: packaging takes over a second, and many files ask for the same. */
const KEPT_DIR = process.env.FANOUT_TEST_TEMPLATES ?? '';

/** @param osls further arguments, such as `--param` */
export async function packagedTemplate(osls: readonly string[] = []): Promise<Template> {
  const name = createHash('sha256').update(osls.join('\n')).digest('hex');
  const kept = join(KEPT_DIR, `${name}.json`);
  try {
    return JSON.parse(await readFile(kept, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  await packageService({ built: true, osls });
  await copyFile(TEMPLATE_FILE, kept);
  return JSON.parse(await readFile(kept, 'utf8'));
}

export const packagedResources = async (osls: readonly string[] = []): Promise<Template['Resources']> =>
  (await packagedTemplate(osls)).Resources;

/** Those of one type, with their logical ids. */
export const ofType = (resources: Record<string, Resource>, type: string): [string, Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);
