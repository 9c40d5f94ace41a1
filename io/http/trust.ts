// Which certificate authorities this process trusts beside Node's own: those that SSL_CERT_FILE and SSL_CERT_DIR name, as
// OpenSSL and Go read them. They hold for every connection that is opened later: HTTP, S3 and the bus.

import { X509Certificate } from 'node:crypto';
import { accessSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import tls from 'node:tls';
import { messageOf } from '../../core/errors.ts';

export interface TrustVariables {
  readonly SSL_CERT_FILE?: string | undefined;
  readonly SSL_CERT_DIR?: string | undefined;
  readonly NODE_EXTRA_CA_CERTS?: string | undefined;
}

export interface Trust {
  /** Problems of the variables: nothing was added then. */
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Certificates that were added. */
  readonly added: number;
}

const CERTIFICATE =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[\s\S]*?-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** Adds what the variables name. */
export function trustCertificates(env: TrustVariables): Trust {
  const problems: string[] = [];
  const file = env.SSL_CERT_FILE?.trim() ?? '';
  const folders = (env.SSL_CERT_DIR ?? '').split(delimiter).map((text) => text.trim());
  const found = [
    ...(file === '' ? [] : ofFile('SSL_CERT_FILE', file, problems)),
    ...folders.filter((path) => path !== '').flatMap((path) => ofFolder(path, problems)),
  ];
  // Asked for by its name, so that a Node without it starts where nothing is to be added.
  if (found.length > 0 && tls.setDefaultCACertificates === undefined)
    problems.push(`SSL_CERT_FILE and SSL_CERT_DIR need Node 24.5 or newer; this is ${process.version}`);
  if (problems.length === 0 && found.length > 0)
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...found]);
  return { problems, warnings: extraWarnings(env), added: problems.length === 0 ? found.length : 0 };
}

function ofFile(variable: string, path: string, problems: string[]): string[] {
  try {
    const certificates = certificatesIn(path);
    if (certificates.length === 0)
      problems.push(`${variable} is "${path}", which holds no certificate (PEM: BEGIN CERTIFICATE)`);
    return certificates;
  } catch (error) {
    problems.push(`${variable} is "${path}", which cannot be used (${messageOf(error)})`);
    return [];
  }
}

/** Files without certificates may lie beside: folders of OpenSSL's hold links, lists and keys too. */
function ofFolder(folder: string, problems: string[]): string[] {
  try {
    const paths = readdirSync(folder).map((name) => join(folder, name));
    const certificates = paths
      .filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile())
      .flatMap(certificatesIn);
    if (certificates.length === 0)
      problems.push(`SSL_CERT_DIR names "${folder}", in which no file holds a certificate`);
    return certificates;
  } catch (error) {
    problems.push(`SSL_CERT_DIR names "${folder}", which cannot be used (${messageOf(error)})`);
    return [];
  }
}

/** @throws Error when there is no such file, or one of its certificates is none */
function certificatesIn(path: string): string[] {
  const texts = readFileSync(path, 'latin1').match(CERTIFICATE) ?? [];
  return texts.map((text) => new X509Certificate(text).toString());
}

/** Node reads this one by itself, before any of our code runs; a file that is not there it passes over with a warning at most. */
function extraWarnings({ NODE_EXTRA_CA_CERTS: path }: TrustVariables): string[] {
  if (path === undefined || path === '') return [];
  try {
    accessSync(path);
    return [];
  } catch (error) {
    return [
      `NODE_EXTRA_CA_CERTS is "${path}", which Node could not read (${messageOf(error)}): none of it is trusted`,
    ];
  }
}
