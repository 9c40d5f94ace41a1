// The CloudFormation that `npm run package` makes of the bundles as they lie in dist/, for tests that read it.

import { readFile } from 'node:fs/promises';
import { packageService, TEMPLATE_FILE } from '../../infra/package.ts';

export interface Resource {
  readonly Type: string;
  readonly Condition?: string;
  // biome-ignore lint/suspicious/noExplicitAny: CloudFormation as it comes; a test that expects too much fails.
  readonly Properties: Record<string, any>;
}

export interface Template {
  readonly Resources: Record<string, Resource>;
  readonly Outputs: Record<string, unknown>;
}

/** @param osls further arguments, such as `--param` */
export async function packagedTemplate(osls: readonly string[] = []): Promise<Template> {
  await packageService({ built: true, osls });
  return JSON.parse(await readFile(TEMPLATE_FILE, 'utf8'));
}

export const packagedResources = async (osls: readonly string[] = []): Promise<Template['Resources']> =>
  (await packagedTemplate(osls)).Resources;

/** Those of one type, with their logical ids. */
export const ofType = (resources: Record<string, Resource>, type: string): [string, Resource][] =>
  Object.entries(resources).filter(([, resource]) => resource.Type === type);
