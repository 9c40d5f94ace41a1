// Which version of the agent this is; a test holds it to package.json, which is not part of the bundle.

export const VERSION = '0.1.0';
