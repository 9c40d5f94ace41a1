// Runs in the browser: OpenFeature with its OFREP provider, asking an agent.

import { OFREPWebProvider } from '@openfeature/ofrep-web-provider';
import { type JsonValue, OpenFeature, type Provider, ProviderEvents } from '@openfeature/web-sdk';

export interface OfrepPage {
  start(agent: string, headers: [string, string][], pollIntervalMs: number): Promise<void>;
  values(): Record<string, JsonValue>;
  /** Keys that were said to have changed, event by event. */
  changes(): (readonly string[])[];
}

const USER = { targetingKey: 'u1' };
const changes: (readonly string[])[] = [];

const page: OfrepPage = {
  async start(baseUrl, headers, pollInterval) {
    OpenFeature.addHandler(ProviderEvents.ConfigurationChanged, (details) => {
      changes.push(
        (details as { readonly flagsChanged?: readonly string[] } | undefined)?.flagsChanged ?? [],
      );
    });
    const provider = new OFREPWebProvider({ baseUrl, headers, pollInterval, cacheMode: 'disabled' });
    // The package types itself by the CommonJS declarations of the SDK, which TypeScript tells from those imported here.
    await OpenFeature.setProviderAndWait(provider as unknown as Provider, USER);
  },
  values() {
    const client = OpenFeature.getClient();
    return {
      boolean: client.getBooleanValue('several', false),
      enabled: client.getBooleanValue('several.$enabled', false),
      string: client.getStringValue('several.greeting', ''),
      number: client.getNumberValue('several.limit', 0),
      object: client.getObjectValue('several.$variables', {}),
    };
  },
  changes: () => changes,
};
Object.assign(globalThis, { ofrepPage: page });
