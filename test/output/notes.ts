// Where stand-ins tell what the product handed to them instead of printing it. Nothing listens outside of a test run.

export type Settings = Readonly<Record<string, string | undefined>>;

export const notes: { output: (text: string) => void; settings: (env: Settings) => void } = {
  output: () => {},
  settings: () => {},
};

/** A line of log that only a test collects. */
export const noteLine = (event: string, fields: object | undefined): void =>
  notes.output(JSON.stringify({ event, ...fields }));
