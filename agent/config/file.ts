// The file with settings: finds it and reads its YAML. Says what is wrong with it as a problem among the others, so that
// all are reported at once. Knows no setting but the one that names the file.

import { messageOf } from '../../core/errors.ts';

const DEFAULT_PATH = './config.yaml';
const ALIASES_MAX = 100;

export type ConfigFile =
  | { readonly path: string; readonly contents: unknown }
  | { readonly path: string; readonly problem: string };

/** Reads a text file; throws Node's errors. */
export type ReadText = (path: string) => string;

/**
 * Null when there is none, which is fine unless it was named. The parser is loaded only when there is something to parse.
 * @throws nothing: what is wrong is in the result
 */
export async function loadConfigFile(
  named: string | undefined,
  readText: ReadText,
): Promise<ConfigFile | null> {
  const wanted = named?.trim() || null;
  const path = wanted ?? DEFAULT_PATH;
  let text: string;
  try {
    text = readText(path);
  } catch (error) {
    if (wanted === null && isAbsent(error)) return null;
    return {
      path,
      problem: `OPTIMIZELY_CONFIG_FILENAME is "${path}", which cannot be read (${messageOf(error)})`,
    };
  }
  if (text.trim() === '') return null;
  // By its default: bundled, this CommonJS package has no names of its own.
  const { default: yaml } = await import('yaml');
  try {
    // Keys stay texts: project ids are longer than numbers are exact.
    const contents: unknown = yaml.parse(text, {
      stringKeys: true,
      maxAliasCount: ALIASES_MAX,
      prettyErrors: true,
      logLevel: 'error',
    });
    if (contents === null || (typeof contents === 'object' && !Array.isArray(contents)))
      return { path, contents };
    return { path, problem: `${path} must hold a map of settings` };
  } catch (error) {
    // The parser's second line on would repeat what stands in the file, and that may be a secret.
    return { path, problem: `${path} is not YAML: ${messageOf(error).split('\n')[0]?.replace(/:$/, '')}` };
  }
}

const isAbsent = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'ENOENT';
