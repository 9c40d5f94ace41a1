// The rules that the simulation has to notice when they are broken: each as one edit of a source file.

import type { Mutation } from './mutation.ts';
import { DISK_AND_LINK, LAST_GOOD, READING } from './mutations-of-agents.ts';

const RECORD: readonly Mutation[] = [
  {
    rule: 'the manifest is swapped without If-Match',
    file: 'functions/record/bucket.ts',
    find: '{ IfMatch: expectedEtag }',
    replace: '{}',
  },
  {
    rule: 'the first manifest is written without If-None-Match',
    file: 'functions/record/bucket.ts',
    find: "expectedEtag === null ? { IfNoneMatch: '*' }",
    replace: 'expectedEtag === null ? {}',
  },
  {
    rule: 'an older revision moves the manifest',
    file: 'core/version.ts',
    find: "if (next.revision < current.revision) return 'older';",
    replace: "if (next.revision < current.revision) return 'advance';",
  },
  {
    rule: 'an equal revision moves it with any Last-Modified',
    file: 'core/version.ts',
    find: "return newer ? 'refresh' : 'older';",
    replace: "return 'refresh';",
  },
  {
    rule: 'a pin is ignored',
    file: 'core/record/manifest.ts',
    find: "if (current.pin !== null) return { kind: 'pinned' };",
    replace: '',
  },
  {
    rule: 'a swap whose answer was lost is taken for another writer’s',
    file: 'functions/publish/move-manifest.ts',
    find: 'if (found !== null && isOwnWrite(',
    replace: 'if (false && isOwnWrite(',
  },
  {
    rule: 'a swap whose answer was lost is known as the head only',
    file: 'functions/publish/move-manifest.ts',
    find: 'if (isInPlace) return',
    replace: 'if (isInPlace || true) return',
  },
  {
    rule: 'the manifest names a body before it is stored',
    file: 'functions/publish/publish-datafile.ts',
    find: 'if (current?.manifest.sha256 !== datafile.sha256) await archive(deps, datafile);',
    replace: 'void archive(deps, datafile).catch(() => {});',
  },
  {
    rule: 'a bucket that went back keeps its lineage',
    file: 'functions/publish/leave-lineage.ts',
    find: "return { kind: 'swap', manifest: renewLineage(found, lineage, arrival) };",
    replace: "return { kind: 'same', manifest: found };",
  },
  {
    rule: 'a datafile of another key is taken',
    file: 'core/datafile/datafile.ts',
    find: 'if (named !== expected) throw wrongKey(expected, named);',
    replace: '',
  },
];

const ANNOUNCING: readonly Mutation[] = [
  {
    rule: 'announced before the manifest is swapped',
    file: 'functions/publish/publish-datafile.ts',
    find: 'const moved = await moveManifest(',
    replace:
      "const early = current && advance(current.manifest, datafile, arrival()); if (early && 'manifest' in early) await announceOnBothPaths(deps, early.manifest, { load: loadOwn, earlyHead }); const moved = await moveManifest(",
  },
  {
    rule: 'a head that another writer made is announced with the body of one’s own',
    file: 'functions/publish/publish-datafile.ts',
    find: 'isOwnBody ? { load: loadOwn, earlyHead }',
    replace: 'isOwnBody || true ? { load: loadOwn, earlyHead }',
  },
  {
    rule: 'announced without compare-and-swap',
    file: 'functions/bus/bus.ts',
    find: "headers.set('Nats-Expected-Last-Subject-Sequence', String(expectedStreamSequence));",
    replace: '',
  },
  {
    rule: 'the head is not read again after a lost race',
    file: 'functions/publish/swap-head.ts',
    find: '    head = undefined;\n',
    replace: '',
  },
  {
    rule: 'announced without looking at the head',
    file: 'functions/publish/swap-head.ts',
    find: "if (verdict !== 'announce') return verdict;",
    replace: '',
  },
  {
    rule: 'another datafile of the same seq replaces the head',
    file: 'functions/publish/swap-head.ts',
    find: "head.sha256 === manifest.sha256 ? 'already' : 'superseded'",
    replace: "head.sha256 === manifest.sha256 ? 'already' : 'announce'",
  },
  {
    rule: 'a body out of the record is announced without its hash being checked',
    file: 'functions/record/bucket.ts',
    find: 'return checkBody(sha256, object.bytes);',
    replace: 'return object.bytes;',
  },
];

const HEALING: readonly Mutation[] = [
  {
    rule: '202 is answered without queueing',
    file: 'functions/webhook/apply-or-queue.ts',
    find: 'await deps.topic.publish({',
    replace: 'void ({',
  },
  {
    rule: 'a datafile that is refused is answered as if it were stored',
    file: 'functions/webhook/apply-or-queue.ts',
    find: '    return 422;',
    replace: '    return 204;',
  },
  {
    rule: '204 is answered before anything is stored',
    file: 'functions/webhook/apply-or-queue.ts',
    find: 'const outcome = await apply(deps, change, announced);',
    replace: "void apply(deps, change, announced); const outcome = { kind: 'moved' } as Outcome;",
  },
  {
    rule: 'a queued refetch is dropped',
    file: 'functions/reconcile/refetch.ts',
    find: "if (notice.kind === 'refetch') await refetchOne(deps, projects, notice);",
    replace: '',
  },
  {
    rule: 'reconcile does not look at the CDN',
    file: 'functions/reconcile/reconcile-key.ts',
    find: 'await attempt(() => followCdn(deps, run));',
    replace: '',
  },
  {
    rule: 'reconcile does not look at the bus',
    file: 'functions/reconcile/reconcile-key.ts',
    find: 'const followed = await attempt(() => followRecord(deps, run, stored));',
    replace: 'const followed = null as Manifest | null;',
  },
];

export const MUTATIONS: readonly Mutation[] = [
  ...RECORD,
  ...ANNOUNCING,
  ...HEALING,
  ...READING,
  ...LAST_GOOD,
  ...DISK_AND_LINK,
];
