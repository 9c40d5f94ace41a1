// A minimal client of server-sent events: collects the lines that come.

import { onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';

export interface SseClient {
  readonly status: number;
  readonly headers: Headers;
  /** The text of every `data:` line so far. */
  readonly data: string[];
  /** Everything so far, framing included. */
  readonly text: () => string;
  readonly isEnded: () => boolean;
  /** Resolves when there are at least so many. */
  received(count: number): Promise<string[]>;
  close(): void;
}

export async function openSse(url: string, headers: Record<string, string>): Promise<SseClient> {
  const abort = new AbortController();
  onTestFinished(() => abort.abort());
  const response = await fetch(url, { headers, signal: abort.signal });
  const data: string[] = [];
  let text = '';
  let ended = false;
  const read = async () => {
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const lines = text.split('\n').filter((line) => line.startsWith('data: '));
      data.splice(0, data.length, ...lines.map((line) => line.slice('data: '.length)));
    }
  };
  const finished = () => {
    ended = true;
  };
  read().then(finished, finished);
  const received = (count: number) =>
    eventually(`${count} events`, () => (data.length >= count ? data : undefined));
  const { status } = response;
  const close = () => abort.abort();
  return {
    ...{ status, headers: response.headers, data, received, close },
    text: () => text,
    isEnded: () => ended,
  };
}
