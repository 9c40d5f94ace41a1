// Every link of the documents leads to a file that is there, and to a heading in it.

import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { allPages } from '../../infra/docs/pages.ts';
import { anchorsIn, codeIn, linksIn, ROOT, readPage } from './markdown.ts';

it.each(allPages())('the links of %s resolve', (page) => {
  const broken = linksIn(readPage(page))
    .filter((target) => !/^https?:/.test(target))
    .filter((target) => {
      const [path = '', anchor] = target.split('#');
      const found = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(join(ROOT, found))) return true;
      return anchor !== undefined && !anchorsIn(readPage(found)).includes(anchor);
    });
  expect(broken).toEqual([]);
});

it('the files that ARCHITECTURE.md names are there', () => {
  const named = codeIn(readPage('ARCHITECTURE.md')).filter((it) =>
    /^(?:core|io|functions|agent|infra|test|docs)\/[\w./-]+$/.test(it),
  );
  expect(named.length).toBeGreaterThan(80);
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

it('sees links and headings', () => {
  expect(linksIn('[a](b.md#c) and [d](https://e.example)')).toEqual(['b.md#c', 'https://e.example']);
  expect(anchorsIn("## A drop-in for Optimizely's Agent")).toEqual(['a-drop-in-for-optimizelys-agent']);
});
