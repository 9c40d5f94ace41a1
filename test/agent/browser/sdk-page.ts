// Runs in the browser: Optimizely's SDK, polling an agent for its datafile.

import { createInstance, createPollingProjectConfigManager } from '@optimizely/optimizely-sdk';

export interface SdkPage {
  start(agent: string, sdkKey: string, updateIntervalMs: number): Promise<void>;
  isOn(flagKey: string): boolean | undefined;
}

let sdk: ReturnType<typeof createInstance> | null = null;

const page: SdkPage = {
  async start(agent, sdkKey, updateIntervalMs) {
    const projectConfigManager = createPollingProjectConfigManager({
      ...{ sdkKey, updateInterval: updateIntervalMs, autoUpdate: true },
      urlTemplate: `${agent}/datafiles/%s.json`,
    });
    sdk = createInstance({ projectConfigManager });
    await sdk.onReady();
  },
  isOn: (flagKey) => sdk?.createUserContext('u1')?.decide(flagKey).enabled,
};
Object.assign(globalThis, { sdkPage: page });
