// The version of this release, of all programs alike. A test holds it to package.json, which is not part of the bundles.

export const VERSION = '0.1.0';
