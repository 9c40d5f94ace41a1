// A rule, broken by one edit of a source file. `find` is in the file exactly once; where the file has moved on, it follows.

export interface Mutation {
  /** What is broken, in words. */
  readonly rule: string;
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}
