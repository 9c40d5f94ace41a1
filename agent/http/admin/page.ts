// GET /: a page for people, and for load balancers, whose health checks ask for it unless told otherwise.

import type { Route } from '../kernel/route.ts';

const HTML_TYPE = 'text/html; charset=utf-8';
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** @param version as the operator calls it; empty where it is not said */
export function page(version: string): Route['handle'] {
  const text = html(version);
  return (exchange) => exchange.text(200, text, HTML_TYPE);
}

const html = (version: string): string => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>datafile-fanout agent</title></head>
<body>
<h1>datafile-fanout agent ${version.replaceAll(/[&<>"]/g, (char) => ESCAPES[char] as string)}</h1>
<p>Decides Optimizely flags over HTTP, with the REST API of Optimizely Agent.</p>
<ul>
<li><a href="/openapi.json">The API</a>, as an OpenAPI document (<a href="/openapi.yaml">YAML</a>)</li>
<li><a href="/health">How this agent is</a></li>
<li><a href="https://docs.developers.optimizely.com/feature-experimentation/docs/optimizely-agent">Optimizely's documentation of the API</a></li>
</ul>
</body>
</html>
`;
